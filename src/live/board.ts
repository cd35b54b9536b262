import { summarize, type Progress, type RunReport, type RunsPublished } from '../domain/frames.ts';
import { readFlowStream } from '../domain/flow-stream.ts';
import type { FlowDetail } from '../domain/flow-view.ts';
import type { LogPart } from '../domain/run-log.ts';
import type { CommittedTask, Task } from '../domain/task.ts';
import { toSummary, toTaskView, type TaskView } from '../domain/view.ts';
import { isFinal } from '../domain/words.ts';
import { findEndedKeys, type EndedKeysDeps } from './ended-keys.ts';
import { createJoining, type Update } from './joining.ts';
import { createListFeed } from './list-feed.ts';
import { createSnapshots, SNAPSHOT_TASKS, type SnapshotDeps } from './snapshots.ts';
import { createStreamCount } from './stream-count.ts';
import { createFlowFeed } from './flow-feed.ts';
import {
  acknowledge,
  closeExpired,
  listWatchedFlows,
  listWatchedTasks,
  sendChanges,
} from './subscriber.ts';
import { createTaskFeed } from './task-feed.ts';
import { createRunFeed } from './run-feed.ts';
import { toKeyTag, WHOLE_LIST, WORKERS } from './tags.ts';
import { TicketBoard } from './ticket-board.ts';

/** How often watched tasks are read again, since a publish can be lost. */
const REREAD_MS = 15_000;
/** Streams that are named to a caller who asks what is watched. */
const MAX_NAMED = 1_000;
/** Streams that one key may have open. */
const MAX_STREAMS_OF_KEY = 500;

export interface BoardDeps extends SnapshotDeps, EndedKeysDeps {
  /** A flow with its nodes; null when there is none. */
  readFlow(owner: string, id: string): Promise<FlowDetail | null>;
  /** Called now and then with how many streams are open; for metrics. */
  countStreams(owner: string, count: number): Promise<void>;
  now(): number;
}

/** Live status of one owner's tasks over hibernating WebSockets. The database has all it tells. */
export class StatusBoard extends TicketBoard {
  readonly #deps: BoardDeps;
  readonly #owner: string;
  readonly #joining = createJoining();
  readonly #snapshots: ReturnType<typeof createSnapshots>;
  readonly #watched: ReturnType<typeof createTaskFeed>;
  readonly #runs: ReturnType<typeof createRunFeed>;
  readonly #flows: ReturnType<typeof createFlowFeed>;
  readonly #streams: ReturnType<typeof createStreamCount>;
  readonly #feed = createListFeed({
    now: () => this.#deps.now(),
    deliver: (tasks) => {
      for (const socket of this.ctx.getWebSockets(WHOLE_LIST))
        if (!this.#joining.has(socket)) sendChanges(socket, tasks);
    },
  });

  constructor(state: DurableObjectState, env: Env, deps: BoardDeps) {
    super(state, env);
    this.#deps = deps;
    this.#owner = state.id.name ?? '';
    this.#watched = createTaskFeed({
      findSockets: (id) => state.getWebSockets(id),
      getMany: (ids) => deps.getMany(ids.map((id) => ({ owner: this.#owner, id }))),
      joining: this.#joining,
    });
    const findListSockets = (): WebSocket[] => state.getWebSockets(WHOLE_LIST);
    this.#runs = createRunFeed({ watched: this.#watched, findListSockets });
    this.#snapshots = createSnapshots(deps, this.#owner, this.#joining, this.#runs);
    this.#flows = createFlowFeed({
      findSockets: (tag) => state.getWebSockets(tag),
      readFlow: (id) => deps.readFlow(this.#owner, id),
    });
    this.#streams = createStreamCount({
      now: deps.now,
      count: () => deps.countStreams(this.#owner, state.getWebSockets().length),
    });
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
  }

  /**
   * Opens a stream: `?stream=<task id>`, `?stream=flow:<id>`, `?stream=*`, or for a worker `?stream=work&type=…`, with
   * `key` and `until` of the key that asks for it. 101 with the socket; 404 for an unknown task;
   * 200 with the task when it is finished, for there is nothing to subscribe to; 429 for a key that
   * has too many.
   */
  override async fetch(request: Request): Promise<Response> {
    const query = new URL(request.url).searchParams;
    const stream = query.get('stream') ?? '';
    const until = query.has('until') ? Number(query.get('until')) : null;
    const key = query.get('key');
    if (key !== null && this.ctx.getWebSockets(toKeyTag(key)).length >= MAX_STREAMS_OF_KEY)
      return new Response(null, { status: 429 });
    const { 0: client, 1: server } = new WebSocketPair();
    // Accepted before the row is read: whatever is published meanwhile is held back for it.
    this.ctx.acceptWebSocket(server, key === null ? [stream] : [stream, toKeyTag(key)]);
    if (stream === WORKERS) {
      this.workers.join(server, query, until);
      return new Response(null, { status: 101, webSocket: client });
    }
    const flowId = readFlowStream(stream);
    this.#joining.start(server);
    let task: TaskView | FlowDetail | null = null;
    try {
      if (stream === WHOLE_LIST) await this.#snapshots.sendList(server, until);
      else if (flowId !== null) task = await this.#flows.join(server, flowId, until);
      else task = await this.#snapshots.sendTask(server, stream, until);
    } finally {
      this.#joining.end(server);
    }
    if (stream !== WHOLE_LIST && task === null) return new Response(null, { status: 404 });
    if (task && isFinal(task.status)) return Response.json(task);
    await this.#ensureAlarm();
    this.ctx.waitUntil(this.#streams.countSoon());
    return new Response(null, { status: 101, webSocket: client });
  }

  /** The tasks that are watched; null for any: the list is watched, or very many tasks are. */
  listWatched(): string[] | null {
    const sockets = this.ctx.getWebSockets();
    if (sockets.length > MAX_NAMED) return null;
    const streams = sockets.map((socket) => this.ctx.getTags(socket)[0] ?? WHOLE_LIST);
    return streams.includes(WHOLE_LIST) ? null : [...streams, ...this.workers.listTypes()];
  }

  /** Sends rows to those who watch them. `rows`: JSON of tasks, without long parts if large. */
  async publish(rows: string): Promise<void> {
    const committed = JSON.parse(rows) as CommittedTask[];
    const updates = committed.map((row): Update =>
      'params' in row ? toTaskView(row as Task) : toSummary(row),
    );
    this.workers.tell(committed);
    this.#runs.forget(updates);
    this.#flows.note(committed.flatMap(({ flow_id }) => flow_id ?? []));
    const toRead = this.#watched.send(updates);
    this.#publishToList(updates);
    await this.#watched.reread(toRead);
  }

  closeStreams(ids: string[]): void {
    this.#watched.close(ids);
    for (const id of ids) this.#flows.close(id);
  }

  /** How far a running task has come, as it was published last; null when it is not known. */
  readProgress(id: string): Progress | null {
    return this.#runs.readProgress(id) ?? null;
  }

  /** What running tasks say; tells what is watched, and what is known here of it. */
  publishRuns(steps: Progress[], reports: RunReport[]): RunsPublished {
    return this.#runs.publish(steps, reports);
  }

  /** The same of a run outside; tells whether anybody watches it. */
  appendRun(id: string, attempt: number, said: { text?: string; log?: LogPart }): boolean {
    return this.#runs.append(id, attempt, said);
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    acknowledge(socket, message);
  }

  /** The runtime does not answer the close of a hibernating socket, so its client would wait. */
  override webSocketClose(socket: WebSocket): void {
    socket.close(1000);
    this.ctx.waitUntil(this.#streams.countSoon());
  }

  override async alarm(): Promise<void> {
    closeExpired(this.ctx.getWebSockets(), this.#deps.now());
    const sockets = this.ctx.getWebSockets();
    await this.#streams.count();
    if (sockets.length === 0) return;
    await this.ctx.storage.setAlarm(this.#deps.now() + REREAD_MS);
    // Of keys that were revoked, or rotated without a grace, by whatever way.
    const tags = sockets.map((socket) => this.ctx.getTags(socket));
    for (const id of await findEndedKeys(tags, this.#deps)) await this.closeStreamsOfKey(id);
    await this.#watched.reread(listWatchedTasks(sockets));
    this.#flows.note(listWatchedFlows(sockets));
    if (this.ctx.getWebSockets(WHOLE_LIST).length === 0) return;
    // What changed lately: should its publish have been lost, the list hears of it now.
    const since = this.#deps.now() - 2 * REREAD_MS;
    const newest = await this.#deps.findNewest(this.#owner, SNAPSHOT_TASKS);
    this.#publishToList(newest.filter(({ updated_at }) => updated_at > since).map(toSummary));
  }

  async #ensureAlarm(): Promise<void> {
    if ((await this.ctx.storage.getAlarm()) === null)
      await this.ctx.storage.setAlarm(this.#deps.now() + REREAD_MS);
  }

  #publishToList(updates: Update[]): void {
    const sockets = this.ctx.getWebSockets(WHOLE_LIST);
    if (sockets.length === 0) return;
    for (const socket of sockets) this.#joining.hold(socket, updates);
    this.#feed.add(updates.map(summarize));
  }
}
