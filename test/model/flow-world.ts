import { database } from './database.ts';
import { AppError } from '../../src/domain/errors.ts';
import { BLOCKED_BY, isListNode, type Flow, type FlowEdge } from '../../src/domain/flow.ts';
import type { FlowNodeRequest, FlowRequest } from '../../src/domain/flow-request.ts';
import type { Task } from '../../src/domain/task.ts';
import { isFinal, type OnFailure } from '../../src/domain/words.ts';
import type { FlowSubmit } from '../../src/engine/flow-submission.ts';
import { isFault } from './faulty-database.ts';
import { readOutcome, type Allowed } from './invariants.ts';
import { World, type Mutation } from './world.ts';

const OWNER = 'local';

const hold = (name: string, condition: boolean, what?: unknown): void => {
  if (!condition) throw new Error(`${name} is broken: ${JSON.stringify(what)}`);
};

const from = ($from: string) => ({ $from });
const sum = (more: Partial<FlowNodeRequest> = {}, params: object = { a: 1, b: 2 }) =>
  ({
    type: 'sum',
    params: params as Record<string, unknown>,
    priority: 'MEDIUM',
    max_attempts: 2,
    ...more,
  }) satisfies FlowNodeRequest;
const after = (...names: string[]) => sum({ after: names });
/** One that uses the value of another. */
const use = (name: string, more: Partial<FlowNodeRequest> = {}) =>
  sum(more, { a: from(`${name}.result.attempt`), b: 2 });
const each = (name: string) =>
  sum({ for_each: from(`${name}.result.list`) }, { a: from('item'), b: 2 });

/** Shapes of flows: chains, forks and joins, lists, and nodes that wait for a worker or for their time. */
export const SHAPES: readonly Record<string, FlowNodeRequest>[] = [
  { a: sum(), b: use('a') },
  { a: sum(), b: use('a'), c: use('b') },
  { a: sum(), b: sum(), c: after('a', 'b') },
  { a: sum(), b: use('a'), c: use('a'), d: after('b', 'c') },
  { a: sum(), b: each('a') },
  { a: sum(), b: each('a'), c: after('b') },
  { a: sum(), b: { ...after('a'), type: 'work', params: {} }, c: after('b') },
  { a: sum(), b: use('a', { delay_seconds: 20 }), c: after('b') },
  { a: sum(), b: sum({}, { a: from('a.result.nothing'), b: 2 }), c: after('b') },
  // It fails at the release: it is no list.
  { a: sum(), b: sum({ for_each: from('a.result.attempt') }), c: after('b') },
];

/** Where a crash is of interest. */
export const CRASH_POINTS = [
  'flows.insert',
  'flows.insert_tasks',
  'flows.insert_edges',
  'flows.mark_cancelled',
  'flows.cancel',
  'flows.retry',
  'flows.recount',
  'flows.mark_deleted',
  'flows.delete_tasks',
  'releases.find_after',
  'releases.release',
  'releases.fail',
  'releases.end',
  'releases.cancel',
  'releases.expanded',
  'tasks.record',
  'tasks.claim',
  'tasks.cancel',
] as const;

/** The world of the model, in which tasks wait for tasks. */
export class FlowWorld extends World {
  override ids: readonly string[] = [];
  /** Something was lost that the clock has to find. */
  isDisturbed = false;
  #flows: string[] = [];
  #isDeleting = false;
  #rows = new Map<string, Task>();
  #crashed: () => void = () => {};

  static override async empty(mutation?: Mutation): Promise<FlowWorld> {
    await World.clear();
    await FlowWorld.#restore();
    if (mutation?.trigger) await FlowWorld.#rewrite(mutation.trigger);
    return new FlowWorld(mutation);
  }

  /** Triggers that a mutant has changed, as they were. */
  static readonly #originals = new Map<string, string>();

  static async #rewrite({ name, from: old, to }: NonNullable<Mutation['trigger']>): Promise<void> {
    const sql = await database
      .prepare('SELECT sql FROM sqlite_master WHERE name = ?')
      .bind(name)
      .first<string>('sql');
    if (!sql?.includes(old)) throw new Error(`The mutant no longer fits its trigger: ${old}`);
    FlowWorld.#originals.set(name, sql);
    await FlowWorld.#replace(name, sql.replaceAll(old, to));
  }
  static async #replace(name: string, sql: string): Promise<void> {
    await database.batch([database.prepare(`DROP TRIGGER ${name}`), database.prepare(sql)]);
  }
  static async #restore(): Promise<void> {
    for (const [name, sql] of FlowWorld.#originals) await FlowWorld.#replace(name, sql);
    FlowWorld.#originals.clear();
  }
  /** Leaves the triggers as they were, which others rely on. */
  static leave = (): Promise<void> => FlowWorld.#restore();

  /** What the database fails at may or may not be done; what a crash ends is not waited for. */
  async try(act: () => Promise<unknown>): Promise<void> {
    const { generation } = this;
    const crashed = new Promise<void>((resolve) => (this.#crashed = resolve));
    try {
      await Promise.race([act(), crashed]);
    } catch (error) {
      if (!(error instanceof AppError) && !isFault(error)) throw error;
      this.isDisturbed = true;
    }
    if (generation !== this.generation) this.isDisturbed = true;
  }

  /** The service is killed right after it has carried out this statement once. */
  dieAfter(statement: string): void {
    this.faults.afterward = (sql) => {
      if (sql.startsWith(`/* ${statement} */`)) this.crash(true);
    };
  }

  override crash(losesMessages: boolean): void {
    super.crash(losesMessages);
    this.isDisturbed = true;
    this.#crashed();
  }

  async submit(shape: number, on_failure: OnFailure): Promise<void> {
    const request: FlowRequest = {
      tasks: structuredClone(SHAPES[shape % SHAPES.length] ?? {}),
      on_failure,
    };
    const submit: FlowSubmit = {
      request,
      caller: {
        owner: OWNER,
        requestId: 'a request',
        ownHost: '',
        taskTypes: null,
        fields: { type: 'type', params: 'params' },
      },
      idempotencyKey: null,
      consumeMetered: async () => {},
    };
    await this.try(async () => {
      const { flow, tasks } = await this.flowing.flowSubmission.submit(submit);
      this.#flows.push(flow.id);
      for (const { id } of tasks) this.accepted.add(id);
    });
    // What the queue takes is not waited for.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }

  #pick(index: number): string {
    return this.#flows[index % Math.max(1, this.#flows.length)] ?? '';
  }
  async cancelFlow(index: number): Promise<void> {
    await this.try(() => this.flowing.flowCommands.cancel(OWNER, this.#pick(index)));
  }
  async retryFlow(index: number): Promise<void> {
    await this.try(() =>
      this.flowing.flowCommands.retry(OWNER, this.#pick(index), async () => true),
    );
  }
  async removeFlow(index: number): Promise<void> {
    await this.try(() => this.flowing.flowCommands.remove(OWNER, this.#pick(index)));
  }
  /** A command on one of its tasks. */
  async commandNode(
    verb: 'cancel' | 'pause' | 'resume' | 'retry' | 'remove',
    index: number,
  ): Promise<void> {
    const rows = await this.rows();
    this.ids = rows.map(({ id }) => id).toSorted();
    await this.try(() => this.command(verb, index));
  }

  /** What is paused keeps the others from ending. */
  async resumeAll(): Promise<void> {
    this.faults.fail = null;
    const rows = await this.rows();
    this.ids = rows.map(({ id }) => id);
    for (const [i, { status }] of rows.entries())
      if (status === 'PAUSED') await this.try(() => this.command('resume', i));
  }

  /** Time passes without faults, until the clock has looked at everything once. */
  async calm(): Promise<void> {
    this.faults.fail = null;
    this.faults.afterward = () => {};
    for (let i = 0; i < 4; i += 1) {
      this.now = Math.max(this.now + 5_000, this.alarmAt ?? this.now);
      await this.tick();
    }
    this.isDisturbed = false;
  }

  override async check(given: Allowed): Promise<void> {
    if (this.faults.fail !== null || this.keepFails) this.isDisturbed = true;
    const rows = await this.rows();
    const flows = (await database.prepare('SELECT * FROM flows').all<Flow>()).results;
    const edges = (await database.prepare('SELECT * FROM flow_edges').all<FlowEdge>()).results;
    // A deletion that was interrupted goes on whenever the clock ticks.
    const allowed = { ...given, flows: given.flows === true || this.#isDeleting };
    this.#isDeleting = flows.some(({ deleted_at }) => deleted_at !== null);
    const there = new Set(rows.map(({ id }) => id));
    for (const id of this.accepted) if (allowed.flows && !there.has(id)) this.accepted.delete(id);
    await super.check(allowed);
    const byId = new Map(rows.map((row) => [row.id, row]));
    for (const edge of edges)
      hold('F1: an edge has both of its tasks', byId.has(edge.before), edge);
    for (const row of rows)
      hold(
        'F1: no task without its flow',
        row.flow_id === null || flows.some(({ id }) => id === row.flow_id),
        row,
      );
    for (const flow of flows) this.#assertFlow(flow, rows, edges);
    this.#rows = byId;
  }

  #assertFlow(flow: Flow, rows: readonly Task[], edges: readonly FlowEdge[]): void {
    const own = rows.filter(({ flow_id }) => flow_id === flow.id);
    if (flow.deleted_at !== null) return;
    const open = own.filter(({ status }) => !isFinal(status));
    hold('F1: a flow has all of its tasks', own.length === flow.tasks, { flow, n: own.length });
    hold('F2: a flow knows how many are open', open.length === flow.open, { flow, open });
    const hasBegun = own.some(({ status, attempt }) => attempt > 0 || isFinal(status));
    const expected =
      open.length > 0
        ? hasBegun
          ? ['IN_PROGRESS']
          : ['PENDING', 'IN_PROGRESS']
        : [this.#outcome(flow, own, edges)];
    hold('F3: the status of a flow follows from its tasks', expected.includes(flow.status), {
      flow,
      expected,
    });
    for (const row of own) this.#assertNode(flow, row, own, edges);
  }

  #outcome(flow: Flow, own: readonly Task[], edges: readonly FlowEdge[]): string {
    if (flow.cancelled_at !== null) return 'CANCELLED';
    const counts = own.filter(
      ({ id, item }) =>
        item === null && (flow.on_failure === 'stop' || !edges.some((edge) => edge.before === id)),
    );
    for (const status of ['FAILED', 'CANCELLED'])
      if (counts.some((row) => row.status === status)) return status;
    return 'COMPLETED';
  }

  #assertNode(flow: Flow, row: Task, own: readonly Task[], edges: readonly FlowEdge[]): void {
    const before = edges
      .filter(({ follower }) => follower === row.id)
      .map((edge) => own.find(({ id }) => id === edge.before))
      .filter((task) => task !== undefined);
    const isKept = row.held === 'flow';
    hold('F4: what its flow keeps is pending', !isKept || row.status === 'PENDING', row);
    const mayRun = row.blocked_by === null || row.blocked_by === BLOCKED_BY.atRun;
    hold('F4: what runs was released', mayRun || !['IN_PROGRESS'].includes(row.status), row);
    this.#assertReleased(flow, row, before);
    if (isFinal(row.status)) return;
    const made = own.filter(({ node, item }) => node === row.node && item !== null);
    if (isListNode(row) && row.items !== null) {
      const left = made.filter(({ status }) => !isFinal(status));
      hold('F5: a list node has a task for each item', made.length === row.items, { row, made });
      hold('F5: a list node waits for its tasks', row.blocked_by === left.length, { row, left });
    } else if (row.blocked_by !== null && row.blocked_by >= BLOCKED_BY.ready) {
      const left = before.filter(({ status }) => !isFinal(status));
      hold('F5: a node waits for what has not ended', row.blocked_by === left.length, {
        row,
        left,
      });
    }
    hold(
      'F6: the clock looks at what nothing keeps',
      !isKept || (row.wake_at !== null) === Number(row.blocked_by) <= BLOCKED_BY.ready,
      row,
    );
    hold(
      'F6: what nothing keeps goes on at once',
      this.isDisturbed || !isKept || row.wake_at === null,
      row,
    );
  }

  /** When a node is released, all that it waits for has ended as its flow wants it. */
  #assertReleased(flow: Flow, row: Task, before: readonly Task[]): void {
    const old = this.#rows.get(row.id);
    const isReleased = (task: Task): boolean =>
      task.blocked_by === null || task.blocked_by === BLOCKED_BY.atRun;
    if (!old || isReleased(old) || !isReleased(row)) return;
    const isFine = ({ status }: Task): boolean =>
      flow.on_failure === 'stop' ? status === 'COMPLETED' : isFinal(status);
    hold('F4: a node is released after what it waits for', before.every(isFine), { row, before });
    const { $from } =
      (JSON.parse(row.template ?? row.params) as { a?: { $from?: string } }).a ?? {};
    const source = before.find(({ node }) => $from === `${node}.result.attempt`);
    if (source?.status === 'COMPLETED')
      hold(
        'F7: its parameters have the values of the others',
        (JSON.parse(row.params) as { a: unknown }).a === readOutcome(source.result).attempt,
        { row, source },
      );
  }
}
