import { DurableObject } from 'cloudflare:workers';
import type { KeyRef } from '../domain/api-key.ts';
import { isFinal, type Task, type TaskSummaryRow } from '../domain/task.ts';
import { toSummary, toTaskView, type TaskSummary, type TaskView } from '../domain/view.ts';
import { keepNewest, summarize, type Progress } from '../domain/frames.ts';
import { createListFeed } from './list-feed.ts';
import { acknowledgementIn, send, subscriberOf, type Subscriber } from './subscriber.ts';
import { createTickets, type Ticket } from './tickets.ts';

/** The tag of those who watch the whole list; every other tag is a task id. */
const WHOLE_LIST = '*';
/** How often what somebody watches is read again, since a publish can be lost. */
const REREAD_MS = 15_000;
/** Close code of a stream whose task was deleted; 4000 and above are an application's own. */
const DELETED = 4404;
/** Close code of the streams of a key that was revoked or has expired. */
const REVOKED = 4401;
/** The tag of a key's streams; no task id has a colon. */
const keyTag = (keyId: string): string => `key:${keyId}`;

/** How often the streams are counted at most, while they come. */
const COUNT_MS = 1_000;
const SNAPSHOT_TASKS = 50;
/** A list subscriber may owe so many acknowledgements: `send()` never blocks, so silence is the only sign. */
const MAX_UNACKNOWLEDGED = 32;
/** Streams that are named to whoever asks what is watched. */
const MAX_NAMED = 1_000;
/** D1 reads for watched tasks, per alarm. */
const MAX_REREAD_TASKS = 100;

type Update = TaskView | TaskSummary;

export interface BoardDeps {
  getMany(keys: { owner: string; id: string }[]): Promise<Task[]>;
  newest(owner: string, limit: number): Promise<Task[]>;
  /** Told now and then how many streams are open; for metrics. */
  countStreams(owner: string, count: number): Promise<void>;
  now(): number;
}

/** Live status of one owner's tasks over hibernating WebSockets. A loudspeaker: it holds nothing that the database lacks. */
export class StatusBoard extends DurableObject<Env> {
  readonly #parts: BoardDeps;
  readonly #owner: string;
  readonly #tickets: ReturnType<typeof createTickets>;
  /** Sockets whose snapshot is not sent yet, and the newest that came meanwhile. */
  readonly #joining = new Map<WebSocket, Map<string, Update>>();
  #countedAt = -Infinity;
  readonly #feed = createListFeed({
    now: () => this.#parts.now(),
    deliver: (tasks) => {
      for (const socket of this.ctx.getWebSockets(WHOLE_LIST)) {
        if (!this.#joining.has(socket)) this.#sendList(socket, tasks);
      }
    },
  });

  constructor(state: DurableObjectState, env: Env, parts: BoardDeps) {
    super(state, env);
    this.#parts = parts;
    this.#owner = state.id.name ?? '';
    this.#tickets = createTickets({ storage: state.storage, now: parts.now });
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
  }

  /**
   * Opens a stream: `?stream=<task id>` or `?stream=*`, with `key` and `until` of the key that asks for it. 101 with the
   * socket; 404 for an unknown task; 200 with the task when it is finished, for there is nothing to subscribe to.
   */
  override async fetch(request: Request): Promise<Response> {
    const query = new URL(request.url).searchParams;
    const stream = query.get('stream') ?? '';
    const until = query.has('until') ? Number(query.get('until')) : null;
    const { 0: client, 1: server } = new WebSocketPair();
    // Accepted before the row is read: whatever is published meanwhile is kept, so nothing falls in between.
    const key = query.get('key');
    this.ctx.acceptWebSocket(server, key === null ? [stream] : [stream, keyTag(key)]);
    this.#joining.set(server, new Map());
    let task: TaskView | null = null;
    try {
      if (stream === WHOLE_LIST) await this.#joinList(server, until);
      else task = await this.#joinTask(server, stream, until);
    } finally {
      this.#joining.delete(server);
    }
    if (stream !== WHOLE_LIST && task === null) return new Response(null, { status: 404 });
    if (task && isFinal(task.status)) return Response.json(task);
    if ((await this.ctx.storage.getAlarm()) === null)
      await this.ctx.storage.setAlarm(this.#parts.now() + REREAD_MS);
    if (this.#parts.now() - this.#countedAt >= COUNT_MS) this.ctx.waitUntil(this.#countStreams());
    return new Response(null, { status: 101, webSocket: client });
  }

  /** The tasks that somebody watches; null when that may be any, for the list is watched, or very many are. */
  watched(): string[] | null {
    const sockets = this.ctx.getWebSockets();
    if (sockets.length > MAX_NAMED) return null;
    const streams = sockets.map((socket) => this.ctx.getTags(socket)[0] ?? WHOLE_LIST);
    return streams.includes(WHOLE_LIST) ? null : streams;
  }

  /** Tells whoever watches. `rows`: JSON of tasks, without their bodies where those are large. */
  async publish(rows: string): Promise<void> {
    const updates = (JSON.parse(rows) as (TaskSummaryRow & Partial<Task>)[]).map((row): Update =>
      'params' in row ? toTaskView(row as Task) : toSummary(row),
    );
    const toRead: string[] = [];
    for (const update of updates) {
      const watchers = this.ctx.getWebSockets(update.task_id);
      if (watchers.length > 0 && !('params' in update)) toRead.push(update.task_id);
      else for (const socket of watchers) this.#sendUpdate(socket, update as TaskView);
    }
    this.#publishToList(updates);
    if (toRead.length > 0) await this.#reread(toRead);
  }

  /** Keeps a ticket until it is redeemed or too old. */
  issueTicket(hash: string, ticket: Ticket): Promise<void> {
    return this.#tickets.issue(hash, ticket);
  }

  redeemTicket(hash: string, stream: string): Promise<KeyRef | null> {
    return this.#tickets.redeem(hash, stream);
  }

  /** A key was revoked: its streams end, and its tickets open nothing any more. */
  async closeStreamsOfKey(keyId: string): Promise<void> {
    for (const socket of this.ctx.getWebSockets(keyTag(keyId)))
      socket.close(REVOKED, 'key revoked');
    await this.#tickets.forgetKey(keyId);
  }

  /** Ends the streams of tasks that were deleted: they have no final frame. */
  end(ids: string[]): void {
    for (const id of ids)
      for (const socket of this.ctx.getWebSockets(id)) socket.close(DELETED, 'deleted');
  }

  /** Tells those who watch one of these tasks how far it has come. */
  publishProgress(steps: Progress[]): void {
    for (const step of steps) {
      for (const socket of this.ctx.getWebSockets(step.task_id)) {
        const subscriber = subscriberOf(socket);
        const isNews =
          subscriber?.stream === 'task' &&
          step.version >= subscriber.version &&
          !this.#joining.has(socket);
        if (isNews) send(socket, { event: 'progress', ...step });
      }
    }
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    const subscriber = subscriberOf(socket);
    const acknowledged = acknowledgementIn(message);
    if (subscriber?.stream !== 'list' || acknowledged === null) return;
    socket.serializeAttachment({
      ...subscriber,
      acknowledged: Math.min(acknowledged, subscriber.seq),
    } satisfies Subscriber);
  }

  /** The runtime does not answer a hibernating socket's close by itself: its client would wait for ever. */
  override webSocketClose(socket: WebSocket): void {
    socket.close(1000);
  }

  override async alarm(): Promise<void> {
    this.#endExpired();
    const sockets = this.ctx.getWebSockets();
    await this.#countStreams();
    if (sockets.length === 0) return;
    await this.ctx.storage.setAlarm(this.#parts.now() + REREAD_MS);
    const watched = sockets
      .map(subscriberOf)
      .flatMap((subscriber) => (subscriber?.stream === 'task' ? [subscriber.id] : []));
    await this.#reread([...new Set(watched)].slice(0, MAX_REREAD_TASKS));
    if (this.ctx.getWebSockets(WHOLE_LIST).length === 0) return;
    // What changed lately: should its publish have been lost, the list hears of it now.
    const since = this.#parts.now() - 2 * REREAD_MS;
    const newest = await this.#parts.newest(this.#owner, SNAPSHOT_TASKS);
    this.#publishToList(newest.filter(({ updated_at }) => updated_at > since).map(toSummary));
  }

  /** Sends the snapshot; null when there is no such task. To a finished one nobody needs to stay subscribed. */
  async #joinTask(socket: WebSocket, id: string, until: number | null): Promise<TaskView | null> {
    const [row] = await this.#parts.getMany([{ owner: this.#owner, id }]);
    const missed = this.#takeMissed(socket).get(id);
    if (!row) {
      socket.close(1000, 'unknown task');
      return null;
    }
    const task =
      missed && 'params' in missed && missed.version > row.version ? missed : toTaskView(row);
    if (isFinal(task.status)) {
      socket.close(1000, 'final');
      return task;
    }
    socket.serializeAttachment({
      stream: 'task',
      id,
      version: task.version,
      until,
    } satisfies Subscriber);
    send(socket, { event: 'snapshot', task });
    return task;
  }

  async #joinList(socket: WebSocket, until: number | null): Promise<void> {
    const tasks = (await this.#parts.newest(this.#owner, SNAPSHOT_TASKS)).map(toSummary);
    const missed = [...this.#takeMissed(socket).values()].map(summarize);
    socket.serializeAttachment({
      stream: 'list',
      seq: 0,
      acknowledged: 0,
      until,
    } satisfies Subscriber);
    send(socket, { event: 'snapshot', tasks });
    if (missed.length > 0) this.#sendList(socket, missed);
  }

  /** Ends the joining: what comes from now on goes to the socket itself. */
  #takeMissed(socket: WebSocket): Map<string, Update> {
    const missed = this.#joining.get(socket) ?? new Map<string, Update>();
    this.#joining.delete(socket);
    return missed;
  }

  async #countStreams(): Promise<void> {
    this.#countedAt = this.#parts.now();
    // Only metrics miss it.
    await this.#parts.countStreams(this.#owner, this.ctx.getWebSockets().length).catch(() => {});
  }

  #endExpired(): void {
    const now = this.#parts.now();
    for (const socket of this.ctx.getWebSockets()) {
      const until = subscriberOf(socket)?.until ?? null;
      if (until !== null && until <= now) socket.close(REVOKED, 'key expired');
    }
  }

  async #reread(ids: string[]): Promise<void> {
    if (ids.length === 0) return;
    const rows = await this.#parts.getMany(ids.map((id) => ({ owner: this.#owner, id })));
    for (const row of rows) {
      for (const socket of this.ctx.getWebSockets(row.id))
        this.#sendUpdate(socket, toTaskView(row));
    }
    const gone = new Set(ids).difference(new Set(rows.map(({ id }) => id)));
    this.end([...gone]);
  }

  /** Only what is newer than what the socket has: a version never goes back. */
  #sendUpdate(socket: WebSocket, task: TaskView): void {
    const missed = this.#joining.get(socket);
    if (missed) return keepNewest(missed, task);
    const subscriber = subscriberOf(socket);
    if (subscriber?.stream !== 'task' || task.version <= subscriber.version) return;
    socket.serializeAttachment({ ...subscriber, version: task.version } satisfies Subscriber);
    send(socket, { event: 'update', task });
    if (isFinal(task.status)) socket.close(1000, 'final');
  }

  #publishToList(updates: Update[]): void {
    const sockets = this.ctx.getWebSockets(WHOLE_LIST);
    if (sockets.length === 0) return;
    for (const missed of sockets.flatMap((socket) => this.#joining.get(socket) ?? [])) {
      for (const update of updates) keepNewest(missed, update);
    }
    this.#feed.add(updates.map(summarize));
  }

  #sendList(socket: WebSocket, tasks: TaskSummary[]): void {
    const subscriber = subscriberOf(socket);
    if (subscriber?.stream !== 'list') return;
    if (subscriber.seq - subscriber.acknowledged >= MAX_UNACKNOWLEDGED)
      return socket.close(1013, 'not acknowledging');
    const seq = subscriber.seq + 1;
    socket.serializeAttachment({ ...subscriber, seq } satisfies Subscriber);
    send(socket, { event: 'updates', seq, tasks });
  }
}
