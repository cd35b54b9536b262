import type { TaskMessage } from '../../src/domain/task.ts';
import type { QueueBindings } from '../../src/engine/task-queues.ts';
import { PRICES, type Assumptions } from './assumptions.ts';
import type { Measured } from './figures.ts';
import { createQueue } from './queue.ts';
import { createShard, type Shard } from './shard.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A list of pseudo-random numbers, the same in every run (mulberry32). */
const createRandom = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
};

const QUEUES = ['high', 'medium', 'low'].flatMap((priority) =>
  ['default', 'external'].map((lane) => `${lane}-${priority}`),
);

/** Owners of each shard who submit: a message names tasks of one owner. */
const OWNERS = 4;

export interface Load {
  /** Callers of each shard who send the next request once the one before is answered; … */
  callers?: number;
  /** … or requests a second of each shard, whenever the others are answered. */
  perSecond?: number;
  /** Tasks of a request. */
  tasks: number;
  warmUpMs: number;
  measureMs: number;
}

const quantile = (sorted: readonly number[], part: number): number =>
  Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(1));

/** Runs so many shards under a load, in virtual time. */
export const runShards = async (
  time: VirtualTime,
  assumed: Assumptions,
  shards: number,
  { callers = 0, perSecond = 0, tasks, warmUpMs, measureMs }: Load,
): Promise<Measured> => {
  const random = createRandom(42);
  const shardOf = (owner: string): Shard => all[Number(owner.split('-')[0])] as Shard;
  const queue = createQueue<TaskMessage>(time, assumed, random, async (messages) => {
    const byShard = Map.groupBy(messages, ({ body }) => shardOf(body.owner));
    await Promise.all([...byShard].map(([shard, own]) => shard.consume(own)));
  });
  const queues = Object.fromEntries(
    QUEUES.map((name) => [name, queue]),
  ) as unknown as QueueBindings;
  const submittedAt = new Map<string, number>();
  const startAt = time.now() + warmUpMs;
  const endAt = startAt + measureMs;
  const isMeasured = (at: number): boolean => at >= startAt && at < endAt;
  const latencies: number[] = [];
  const accepts: number[] = [];
  let [submits, accepted, ended, refused] = [0, 0, 0, 0];
  /** Of a submit whose answer is still on its way. */
  const endedEarly = new Map<string, number>();
  const noteEnd = (id: string, at: number, endedAt: number): void => {
    submittedAt.delete(id);
    endedEarly.delete(id);
    if (!isMeasured(endedAt)) return;
    ended += 1;
    latencies.push(endedAt - at);
  };
  const all = Array.from({ length: shards }, () =>
    createShard(time, assumed, random, queues, ({ id, status }) => {
      if (status !== 'COMPLETED') return;
      const at = submittedAt.get(id);
      if (at === undefined) endedEarly.set(id, time.now());
      else noteEnd(id, at, time.now());
    }),
  );
  const countUse = () => ({
    objects: all.reduce((sum, { object }) => sum + object.count(), 0),
    busy: all.reduce((sum, { database }) => sum + database.use.busyMs, 0),
    messages: queue.use.messages,
    batches: queue.use.batches,
  });

  const request = async (n: number, owner: string): Promise<void> => {
    const at = time.now();
    await time.wait(assumed.callerWayMs / 2);
    const stored = await (all[n] as Shard).submit(owner, tasks).catch(() => []);
    if (stored.length === 0 && isMeasured(at)) refused += 1;
    for (const { id } of stored) {
      const endedAt = endedEarly.get(id);
      if (endedAt === undefined) submittedAt.set(id, at);
      else noteEnd(id, at, endedAt);
    }
    await time.wait(assumed.callerWayMs / 2);
    if (!isMeasured(time.now())) return;
    submits += 1;
    accepted += stored.length;
    accepts.push(time.now() - at);
  };
  const ownerOf = (n: number, i: number): string => `${n}-${i % OWNERS}`;
  const call = async (n: number, i: number): Promise<void> => {
    await time.wait(random() * 100);
    while (time.now() < endAt) await request(n, ownerOf(n, i));
  };
  const arrive = async (n: number): Promise<void> => {
    for (let i = 0; time.now() < endAt; i += 1) {
      // Exponential: callers know nothing of each other.
      await time.wait((-Math.log(1 - random()) * 1_000) / perSecond);
      void request(n, ownerOf(n, i));
    }
  };
  for (let n = 0; n < shards; n += 1) {
    for (let i = 0; i < callers; i += 1) void call(n, i);
    if (perSecond > 0) void arrive(n);
  }
  await time.runUntil(startAt);
  const before = countUse();
  await time.runUntil(endAt);
  const after = countUse();
  // What was accepted last comes to its end, unmeasured.
  await time.runUntil(endAt + 5_000 + (assumed.stallsAnHour === 0 ? 0 : 2 * assumed.stallMs));
  // Whoever recorded the end of some may have had no answer, and told nobody: the table knows.
  const hasEnded = (id: string): boolean => all.some(({ database }) => database.hasEnded(id));
  const lost = [...submittedAt.keys()].filter((id) => !hasEnded(id)).length;
  for (const { database } of all) database.close();

  const seconds = measureMs / 1_000;
  const a = (count: number): number => count / Math.max(1, accepted);
  const batches = after.batches - before.batches;
  const sorted = latencies.toSorted((x, y) => x - y);
  // Each batch tells the board of starts and ends, and the counts; rows are measured, test/engine/cost.test.ts.
  const dollars =
    7 * PRICES.row +
    20 * PRICES.rowRead +
    a(after.messages - before.messages) * 3 * PRICES.queueOperation +
    a(after.objects - before.objects + 3 * batches) * PRICES.objectCall +
    a(submits + batches) * PRICES.request +
    0.5 * PRICES.cpuMs;
  return {
    submits_per_second: Math.round(submits / seconds),
    tasks_per_second: Math.round(accepted / seconds),
    refused,
    lost,
    ended_per_second: Math.round(ended / seconds),
    accept_p50_ms: quantile(
      accepts.toSorted((x, y) => x - y),
      0.5,
    ),
    latency_p50_ms: quantile(sorted, 0.5),
    latency_p95_ms: quantile(sorted, 0.95),
    latency_p99_ms: quantile(sorted, 0.99),
    latency_max_ms: quantile(sorted, 1),
    consumers: queue.use.consumers,
    database_busy: Number(((after.busy - before.busy) / (measureMs * shards)).toFixed(2)),
    dollars_a_million: Number(dollars.toFixed(2)),
  };
};
