import { median, reached, sendAll } from './load.ts';
import { figuresOf } from './measure.ts';
import { BULK_SIZE, type System } from './systems/system.ts';

/** Tasks a second from the first submit, one task a request, to the last stored outcome. */
export const singleEndToEnd = async (
  system: System,
  tasks: number,
): Promise<{ submitted: number; recorded: number }> => {
  const round = await system.round();
  const startedAt = performance.now();
  const seconds = await sendAll(round.submit, tasks);
  await reached(() => round.isRecorded(tasks));
  return {
    submitted: tasks / seconds,
    recorded: tasks / ((performance.now() - startedAt) / 1_000),
  };
};

/** The same with 1 000 tasks a request. */
export const bulkEndToEnd = async (system: System, tasks: number): Promise<number> => {
  const round = await system.round();
  const startedAt = performance.now();
  await sendAll({ ...round.bulk, connections: 4 }, tasks / BULK_SIZE);
  await reached(() => round.isRecorded(tasks));
  return tasks / ((performance.now() - startedAt) / 1_000);
};

/**
 * One task at a time, on an otherwise idle service: from its submit to the moment its client knows
 * the outcome.
 */
export const latency = async (
  system: System,
  tasks: number,
): Promise<ReturnType<typeof figuresOf>> => {
  const round = await system.round();
  const times: number[] = [];
  for (let i = 0; i < tasks + 5; i += 1) times.push(await round.submitToOutcome());
  return figuresOf(times.slice(5));
};

export interface Compared {
  system: string;
  submits_per_second: number;
  single_per_second: number;
  bulk_per_second: number;
  latency_p50_ms: number;
  latency_p99_ms: number;
}

const rounded = (n: number): number => (n < 100 ? Number(n.toFixed(1)) : Math.round(n));

/**
 * All systems in turn, round by round, so that whatever else the machine does meets each of them;
 * medians.
 */
export const compare = async (
  systems: readonly System[],
  {
    rounds,
    tasks,
    bulk,
    singles,
    say,
  }: { rounds: number; tasks: number; bulk: number; singles: number; say(text: string): void },
): Promise<Compared[]> => {
  const found = new Map(
    systems.map(({ name }) => [
      name,
      {
        submitted: [] as number[],
        recorded: [] as number[],
        bulk: [] as number[],
        p50: [] as number[],
        p99: [] as number[],
      },
    ]),
  );
  for (const system of systems) await singleEndToEnd(system, 500); // Warm.
  for (let i = 0; i < rounds; i += 1) {
    for (const system of systems) {
      say(`round ${i + 1} of ${rounds}: ${system.name}`);
      const of = found.get(system.name);
      const { submitted, recorded } = await singleEndToEnd(system, tasks);
      of?.submitted.push(submitted);
      of?.recorded.push(recorded);
      of?.bulk.push(await bulkEndToEnd(system, bulk));
      const { p50_ms, p99_ms } = await latency(system, singles);
      of?.p50.push(p50_ms);
      of?.p99.push(p99_ms);
    }
  }
  return [...found].map(([system, { submitted, recorded, bulk: inBulk, p50, p99 }]) => ({
    system,
    submits_per_second: rounded(median(submitted)),
    single_per_second: rounded(median(recorded)),
    bulk_per_second: rounded(median(inBulk)),
    latency_p50_ms: rounded(median(p50)),
    latency_p99_ms: rounded(median(p99)),
  }));
};
