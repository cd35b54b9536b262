import { availableParallelism } from 'node:os';
import { measureAnswers, median, reached, sendAll } from './load.ts';
import { figuresOf } from './measure.ts';
import { pinTo, readCpuMs, readMemoryMb } from './processes.ts';
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
  /** Submit-and-wait: one at a time, and of 32 connections. */
  wait_p50_ms: number;
  wait_32_p50_ms: number;
  wait_32_per_second: number;
  /** Of all its processes, for a task that was submitted by itself. */
  cpu_ms_per_task: number;
  /** Of all its processes, after the last round. */
  memory_mb: number;
  /** All of it on one core, the load on another. */
  per_core: { single_per_second: number; bulk_per_second: number };
}

const rounded = (n: number): number => (n < 100 ? Number(n.toFixed(2)) : Math.round(n));
const RATES = [
  'submits_per_second',
  'single_per_second',
  'bulk_per_second',
  'latency_p50_ms',
  'latency_p99_ms',
  'wait_p50_ms',
  'wait_32_p50_ms',
  'wait_32_per_second',
  'cpu_ms_per_task',
  'single_on_one_core',
  'bulk_on_one_core',
] as const;
type Figures = Record<(typeof RATES)[number], number>;

export interface Amounts {
  rounds: number;
  /** Tasks of a round, one a request. */
  tasks: number;
  /** Tasks of a round, 1 000 a request. */
  bulk: number;
  /** Tasks of a round, one at a time. */
  singles: number;
}

/** Two cores: that of the system, and that of the load. */
const [OWN_CORE, LOAD_CORE] = ['0', '1'];

const measureRound = async (
  system: System,
  { tasks, bulk, singles }: Amounts,
): Promise<Figures> => {
  const cpuBefore = readCpuMs(system.pids);
  const { submitted, recorded } = await singleEndToEnd(system, tasks);
  const cpuMs = readCpuMs(system.pids) - cpuBefore;
  const inBulk = await bulkEndToEnd(system, bulk);
  const { p50_ms, p99_ms } = await latency(system, singles);
  const { wait } = await system.round();
  const alone = await measureAnswers({ ...wait, connections: 1 }, singles * 4);
  const many = await measureAnswers(wait, tasks);
  const everyCore = `0-${availableParallelism() - 1}`;
  pinTo(OWN_CORE, system.pids);
  pinTo(LOAD_CORE, [process.pid], false);
  try {
    const single = await singleEndToEnd(system, tasks);
    return {
      submits_per_second: submitted,
      single_per_second: recorded,
      bulk_per_second: inBulk,
      latency_p50_ms: p50_ms,
      latency_p99_ms: p99_ms,
      wait_p50_ms: alone.p50_ms,
      wait_32_p50_ms: many.p50_ms,
      wait_32_per_second: many.per_second,
      cpu_ms_per_task: cpuMs / tasks,
      single_on_one_core: single.recorded,
      bulk_on_one_core: await bulkEndToEnd(system, bulk),
    };
  } finally {
    pinTo(everyCore, system.pids);
    pinTo(everyCore, [process.pid], false);
  }
};

/**
 * All systems in turn, round by round, so that whatever else the machine does meets each of them;
 * medians.
 */
export const compare = async (
  systems: readonly System[],
  amounts: Amounts,
  say: (text: string) => void,
): Promise<Compared[]> => {
  const found = new Map<System, Figures[]>(systems.map((system) => [system, []]));
  // Warm.
  for (const system of systems) {
    await singleEndToEnd(system, 1_000);
    await measureAnswers((await system.round()).wait, 500);
  }
  for (let i = 1; i <= amounts.rounds; i += 1)
    for (const [system, rounds] of found) {
      say(`round ${i} of ${amounts.rounds}: ${system.name}`);
      rounds.push(await measureRound(system, amounts));
    }
  return [...found].map(([{ name, pids }, rounds]) => {
    const medians = Object.fromEntries(
      RATES.map((rate) => [rate, rounded(median(rounds.map((each) => each[rate])))]),
    ) as Figures;
    const { single_on_one_core, bulk_on_one_core, ...rest } = medians;
    return {
      system: name,
      ...rest,
      memory_mb: readMemoryMb(pids),
      per_core: { single_per_second: single_on_one_core, bulk_per_second: bulk_on_one_core },
    };
  });
};
