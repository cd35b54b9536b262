import { sendAll } from './load.ts';
import { bulkEndToEnd, singleEndToEnd } from './measures.ts';
import { roundOf } from './systems/tasker.ts';
import { startWorker } from './worker.ts';

/** List prices in dollars a million: https://developers.cloudflare.com/workers/platform/pricing/ */
const PRICES = {
  requests: 0.3,
  queue_operations: 0.4,
  object_calls: 0.15,
  d1_rows_read: 0.001,
  d1_rows_written: 1,
};

/** What one task costs of each, in the mean. */
export interface Cost {
  d1_statements: number;
  d1_rows_read: number;
  d1_rows_written: number;
  queue_operations: number;
  object_calls: number;
  requests: number;
  /** Dollars for a million tasks. */
  dollars_a_million: number;
}

type Counts = Record<
  | 'd1_statements'
  | 'd1_rows_read'
  | 'd1_rows_written'
  | 'queue_messages'
  | 'queue_batches'
  | 'dispatcher_calls'
  | 'board_calls'
  | 'meter_calls',
  number
>;

const rounded = (n: number): number => Number(n.toFixed(3));

/** Tasks that are submitted each when the one before is recorded. */
const ALONE = 20;

/**
 * Counts, in a build whose bindings count, what a task costs that comes alone, one of a crowd, and
 * in bulk. `folder`: that build.
 */
export const measureCosts = async (
  folder: string,
  tasks: number,
): Promise<Record<'alone' | 'single' | 'bulk' | 'waited' | 'waited_pure', Cost>> => {
  const worker = await startWorker(folder);
  const system = {
    name: 'counted',
    pids: [worker.pid],
    round: () => roundOf(worker),
    stop: () => worker.stop(),
  };
  const counts = async (): Promise<Counts> =>
    (await (await fetch(`${worker.url}/counts`)).json()) as Counts;
  const estimateCells = async (
    requests: number,
    run: () => Promise<unknown>,
    of = tasks,
  ): Promise<Cost> => {
    const before = await counts();
    await run();
    // The last counts are handed on within a second.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const after = await counts();
    const each = (...names: (keyof Counts)[]): number =>
      names.reduce((sum, name) => sum + after[name] - before[name], 0) / of;
    const cost = {
      d1_statements: rounded(each('d1_statements')),
      d1_rows_read: rounded(each('d1_rows_read')),
      d1_rows_written: rounded(each('d1_rows_written')),
      // A message is written, read and deleted:
      // https://developers.cloudflare.com/queues/platform/pricing/
      queue_operations: rounded(each('queue_messages') * 3),
      object_calls: rounded(each('dispatcher_calls', 'board_calls', 'meter_calls')),
      requests: rounded(requests / of + each('queue_batches')),
    };
    const dollars = Object.entries(PRICES).reduce(
      (sum, [name, price]) => sum + price * cost[name as keyof typeof cost],
      0,
    );
    return { ...cost, dollars_a_million: Number(dollars.toFixed(2)) };
  };
  try {
    await singleEndToEnd(system, 300);
    const single = await estimateCells(tasks, () => singleEndToEnd(system, tasks));
    const bulk = await estimateCells(tasks / 1_000, () => bulkEndToEnd(system, tasks));
    const oneByOne = async (): Promise<void> => {
      for (let i = 0; i < ALONE; i += 1) await singleEndToEnd(system, 1);
    };
    const { wait } = await roundOf(worker);
    const impure = { ...wait, body: { type: 'flaky', params: { failures: 0 } } };
    const waited = await estimateCells(tasks, () => sendAll(impure, tasks));
    const waited_pure = await estimateCells(tasks, () => sendAll(wait, tasks));
    return {
      alone: await estimateCells(ALONE, oneByOne, ALONE),
      single,
      bulk,
      waited,
      waited_pure,
    };
  } finally {
    await worker.stop();
  }
};
