import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { call, finished, submit } from '../support/client.ts';
import type { Task } from '../../src/domain/task.ts';
import { encodeTask, insertTasks } from '../../src/store/inserts.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { aTask, OWNER } from '../support/rows.ts';
import { clearFlows } from '../support/flows.ts';
import { putLimit } from '../support/limits.ts';
import { startTaskRunner } from '../../src/engine/task-runner.ts';
import { createLeaseStore } from '../../src/store/leases.ts';
import { createRunLogs } from '../../src/store/run-logs.ts';
import { keepLog } from '../support/deps.ts';
import { observeDatabase } from '../support/database.ts';

afterEach(() => vi.restoreAllMocks());

/** D1 rows written, the published budget for a plain successful task. */
const ROWS_WRITTEN_BUDGET = 7;

it('a successful sum writes at most 7 rows and reads nothing besides its claim', async () => {
  await finished((await submit('sum', { a: 0, b: 0 })).task_id);
  const { asked, stop } = observeDatabase();
  const { task_id } = await submit('sum', { a: 5, b: 3 });
  await vi.waitUntil(() => asked.some(({ name }) => name === 'tasks.record'));
  stop();
  expect((await finished(task_id)).status).toBe('COMPLETED');
  expect(asked.map(({ name }) => name)).toEqual(['tasks.insert', 'tasks.claim', 'tasks.record']);
  const rowsWritten = asked.reduce((sum, { rowsWritten: rows }) => sum + rows, 0);
  console.log(
    `rows written per sum: ${rowsWritten} (${asked.map(({ rowsWritten: rows }) => rows).join(' + ')}), read: ${asked.map(({ rowsRead }) => rowsRead).join(' + ')}`,
  );
  expect(rowsWritten).toBeLessThanOrEqual(ROWS_WRITTEN_BUDGET);
});

it('an order number in the parameters costs one row more, and nothing else does', async () => {
  const { asked, stop } = observeDatabase();
  const rows = async (params: object): Promise<number> => {
    asked.length = 0;
    await submit('sum', { a: 1, b: 2, ...params });
    return asked.find(({ name }) => name === 'tasks.insert')?.rowsWritten ?? 0;
  };
  expect([await rows({}), await rows({ a: 7 }), await rows({ a: 123_456 })]).toEqual([4, 4, 5]);
  stop();
});

it('one retry and a failure write 12 rows', async () => {
  const [task, transitions] = [aTask(), createTransitions(env.DB)];
  const { asked, stop } = observeDatabase();
  await insertTasks(env.DB, [encodeTask(task)]);
  const error = { code: 'x', message: 'y' };
  for (const verdict of [
    { transition: 'reschedule', error, delayMs: 0 },
    { transition: 'fail', error },
  ] as const) {
    const [claimed] = (await transitions.claim([task], Date.now(), false)) as [Task];
    await transitions.record([{ task: claimed, verdict }], Date.now());
  }
  stop();
  const written = asked.map(({ name, rowsWritten }) => `${name} ${rowsWritten}`);
  console.log(`rows written by a retry and a failure: ${written.join(' + ')}`);
  expect(asked.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0)).toBe(12);
});

it('200 concurrent submits share a few INSERT statements', async () => {
  const { asked, stop } = observeDatabase();
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      call('/tasks', { json: { type: 'sum', params: { a: i, b: 0 } } }),
    ),
  );
  stop();
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 200 }, () => 202));
  const inserts = asked.filter(({ name }) => name === 'tasks.insert').length;
  console.log(`200 concurrent submits: ${inserts} INSERT statements`);
  expect(inserts).toBeLessThanOrEqual(40);
  const stored = await env.DB.prepare('SELECT count(*) AS n FROM tasks').first<number>('n');
  expect(stored).toBeGreaterThanOrEqual(200);
});

it('a log costs a row each time it is stored, a step one, and words that are not stored none', async () => {
  // One of a hundred such logs stands for the bytes of all: not this one.
  const task = { ...aTask(), id: '00000000-0000-7000-8000-0000000fffff' };
  const transitions = createTransitions(env.DB);
  await insertTasks(env.DB, [encodeTask(task)]);
  const [claimed] = (await transitions.claim([task], Date.now(), false)) as [Task];
  const { asked, stop } = observeDatabase();
  const runner = startTaskRunner({
    executor: {
      execute: async (_, { log, output }) => {
        for (let i = 0; i < 100; i += 1) log('info', `line ${i}`);
        output('text');
        return { kind: 'completed', result: '1' };
      },
    },
    publishRuns: async () => ({ isWatched: false, shown: {} }),
    startTracing: () => (_, run) => run(),
    runLogs: createRunLogs(env.DB),
    outsideRuns: { handOver: async () => {} },
    leases: createLeaseStore(env.DB),
    now: Date.now,
    log: keepLog().log,
  });
  await runner.runTask(claimed);
  stop();
  // Tasks of the tests before may still be running.
  const own = asked.filter(({ name }) => /^(run_logs|leases)\./.test(name));
  const written = own.map(({ name, rowsWritten }) => `${name} ${rowsWritten}`);
  console.log(`rows written by 100 lines and some output: ${written.join(' + ')}`);
  expect(written).toEqual(['run_logs.append 1']);
});

it('a moment of a schedule writes 5 rows more than a submit, by three statements more', async () => {
  const task = { type: 'sum', params: { a: 1, b: 2 } };
  const json = { name: 'costly', cron: '* * * * * *', task };
  await call('/schedules', { json });
  const { asked, stop } = observeDatabase();
  await vi.waitUntil(() => asked.some(({ name }) => name === 'schedules.move'), { timeout: 5_000 });
  stop();
  await call('/schedules/costly', { method: 'DELETE' });
  const told = asked
    .filter(({ name }) => name === 'tasks.insert' || name.startsWith('schedules.'))
    .map(({ name, rowsWritten }) => [name, rowsWritten]);
  console.log(`rows written by a firing: ${JSON.stringify(told)}`);
  expect(told.map(([name]) => name)).toEqual([
    'schedules.list_due',
    'tasks.insert',
    'schedules.move',
  ]);
  expect(told.reduce((sum, [, rows]) => sum + Number(rows), 0)).toBe(9);
});

const sumRows = (asked: readonly { rowsWritten: number }[]): number =>
  asked.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);

it('a limit costs 3 rows, 4 with a sub-key, and a task without one nothing', async () => {
  await putLimit(OWNER, { max_running: 50 }, Date.now(), 'costly');
  const { asked, stop } = observeDatabase();
  const measure = async (more: object): Promise<number> => {
    asked.length = 0;
    const { task_id } = await submit('sum', { a: 1, b: 2 }, more);
    await vi.waitUntil(() => asked.some(({ name }) => name === 'tasks.record'));
    await finished(task_id);
    // What the end lets go is looked at after it.
    await vi.waitUntil(
      () => !('limit' in more) || asked.filter(({ name }) => name === 'limits.spend').length === 2,
    );
    return sumRows(asked);
  };
  // The first submit makes sure that the limit is there.
  await measure({ limit: { key: 'costly' } });
  const rows = {
    without: await measure({}),
    withLimit: await measure({ limit: { key: 'costly' } }),
    withSubKey: await measure({ limit: { key: 'costly', sub_key: 'a' } }),
  };
  stop();
  console.log(`rows written: ${JSON.stringify(rows)}`);
  expect(rows).toEqual({ without: 7, withLimit: 10, withSubKey: 11 });
});

it('a hundred tasks under a limit cost 3 rows more each', async () => {
  const tasks = Array.from({ length: 100 }, (_, i) => ({
    type: 'sum',
    params: { a: i, b: 0 },
    limit: { key: 'grouped', max_running: 100 },
  }));
  await putLimit(OWNER, { max_running: 100 }, Date.now(), 'grouped');
  const { asked, stop } = observeDatabase();
  const answer = await call('/tasks/bulk', { json: { tasks } });
  const { tasks: accepted } = await answer.json<{ tasks: { task_id: string }[] }>();
  for (const { task_id } of accepted) await finished(task_id);
  stop();
  // Once a minute a key is noted as used.
  const rows = sumRows(asked.filter(({ name }) => !/keys/.test(name)));
  // One of 4096 stands for the bytes of all: it is counted as it comes and as it ends.
  const counted = accepted.filter(({ task_id }) => task_id.endsWith('000')).length;
  console.log(`rows written by a hundred under a limit: ${rows}`);
  expect(rows).toBeLessThanOrEqual(100 * 10 + 2 * counted);
});

it('a unique key costs a row', async () => {
  const { asked, stop } = observeDatabase();
  await submit('sum', { a: 1, b: 2 }, { unique: {} });
  stop();
  expect(asked.find(({ name }) => name === 'tasks.insert')?.rowsWritten).toBe(5);
});

/** Rows that a flow of one and so many followers writes from its submit to its end. */
const rowsOfFlow = async (followers: number): Promise<number> => {
  const tasks: Record<string, object> = { first: { type: 'sum', params: { a: 1, b: 2 } } };
  for (let i = 0; i < followers; i += 1)
    tasks[`n${i}`] = { type: 'sum', params: { a: { $from: 'first.result.result' }, b: i } };
  const { asked, stop } = observeDatabase();
  const { flow_id } = await (await call('/flows', { json: { tasks } })).json<{ flow_id: string }>();
  const isOver = async (): Promise<boolean> => {
    const { status } = await (await call(`/flows/${flow_id}`)).json<{ status: string }>();
    return status === 'COMPLETED';
  };
  await vi.waitUntil(isOver, { timeout: 10_000, interval: 100 });
  stop();
  return asked
    .filter(({ name }) => !name.startsWith('owners.'))
    .reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);
};

it('a node of a flow writes 4 rows more than a task, and 2 for what it waits for', async () => {
  // What the tests before have begun is over.
  await clearFlows();
  const isQuiet = async (): Promise<boolean> => {
    const { asked, stop } = observeDatabase();
    await new Promise((resolve) => setTimeout(resolve, 200));
    stop();
    return asked.length === 0;
  };
  await vi.waitUntil(isQuiet, { timeout: 10_000 });
  await rowsOfFlow(1);
  const [few, many] = [await rowsOfFlow(20), await rowsOfFlow(120)];
  const each = (many - few) / 100;
  console.log(`rows written by a flow: ${few} for 21 tasks, ${each} for each node with one edge`);
  // The clock may write a row of its own meanwhile.
  expect(Math.round(each)).toBeLessThanOrEqual(ROWS_WRITTEN_BUDGET + 4 + 2);
});

it('a flow of 1 000 tasks is accepted by few statements', async () => {
  const tasks: Record<string, object> = { first: { type: 'sum', params: { a: 1, b: 2 } } };
  for (let i = 0; i < 999; i += 1)
    tasks[`n${i}`] = { type: 'sum', params: { a: 1, b: i }, after: ['first'], delay_seconds: 60 };
  const { asked, stop } = observeDatabase();
  const answer = await call('/flows', { json: { tasks } });
  stop();
  expect(answer.status).toBe(202);
  const names = asked.map(({ name }) => name);
  console.log(`a flow of 1 000 is accepted by ${names.join(', ')}`);
  expect(names.length).toBeLessThanOrEqual(15);
});
