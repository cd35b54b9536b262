import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { Busy } from '../../src/domain/busy.ts';
import { GiveUp, RetryLater } from '../../src/domain/errors.ts';
import type { Task } from '../../src/domain/task.ts';
import { createExecutor, type ExecutorDeps } from '../../src/engine/executor.ts';
import { MAX_RETURNED_BYTES as MAX_RESULT_BYTES } from '../../src/domain/body.ts';
import { defineHandler, type HandlerDefinition } from '../../src/handlers/handler.ts';
import { executorDeps, silentRun, keepLog } from '../support/deps.ts';
import { aTask } from '../support/rows.ts';

const params = z.strictObject({ a: z.number(), b: z.number() });

/** Runs a task whose handler does what `run` says. */
const execute = (
  run: HandlerDefinition<typeof params>['run'],
  more: Parameters<typeof aTask>[0] = {},
  signal = new AbortController().signal,
  deps: Partial<ExecutorDeps> = {},
  columns: Partial<Task> = {},
) => {
  const handler = defineHandler({
    type: 'sum',
    description: 'scripted',
    lane: 'default',
    params,
    example: { a: 1, b: 1 },
    run,
  });
  const executor = createExecutor({
    ...executorDeps,
    catalog: {
      load: () => undefined,
      find: (_owner, type) => (type === 'sum' ? handler : undefined),
    },
    log: keepLog().log,
    ...deps,
  });
  return executor.execute(
    { ...aTask(more), ...columns },
    {
      ...silentRun,
      progress: () => {},
      watchLease: () => signal,
    },
  );
};

const circular: Record<string, unknown> = {};
circular['self'] = circular;
const throwing = (value: unknown) => () => {
  throw value;
};
const deep = () => {
  let value: unknown = 1;
  for (let i = 0; i < 2_000; i += 1) value = [value];
  return value;
};

describe('what a handler returns', () => {
  it('is the result, as JSON', async () => {
    expect(await execute(({ params: { a, b } }) => ({ sum: a + b }))).toEqual({
      kind: 'completed',
      result: '{"sum":3}',
    });
    expect(await execute(() => undefined)).toEqual({ kind: 'completed', result: 'null' });
    expect(await execute(async () => 'später')).toEqual({ kind: 'completed', result: '"später"' });
  });

  it.each([
    ['a BigInt', () => 1n],
    ['a circle', () => circular],
    ['a function', () => () => 1],
    ['a function deep inside', () => ({ list: [() => 1] })],
    ['a symbol', () => Symbol('s')],
    ['something that throws when looked at', () => ({ toJSON: throwing(new Error('no')) })],
    ['2000 levels', deep],
  ])('fails for good as bad_result when it is %s', async (_, run) => {
    expect(await execute(run)).toMatchObject({
      kind: 'failed',
      retryable: false,
      error: { code: 'bad_result' },
    });
  });

  it('fails for good when it is too large, counted in bytes', async () => {
    expect(await execute(() => 'é'.repeat(MAX_RESULT_BYTES / 2))).toMatchObject({
      kind: 'failed',
      retryable: false,
      error: { code: 'result_too_large' },
    });
    expect(await execute(() => 'e'.repeat(MAX_RESULT_BYTES - 2))).toMatchObject({
      kind: 'completed',
    });
  });
});

describe('what a handler throws', () => {
  it.each([
    ['a string', 'text'],
    ['null', null],
    ['undefined', undefined],
    ['a circle', circular],
    ['5 MB', 'x'.repeat(5_000_000)],
  ])('becomes a bounded message: %s', async (_, value) => {
    const outcome = await execute(throwing(value));
    expect(outcome).toMatchObject({
      kind: 'failed',
      retryable: true,
      error: { code: 'handler_error' },
    });
    expect(JSON.stringify(outcome).length).toBeLessThan(3_000);
  });

  it('ends the task when it is GiveUp, and sets the delay when it is RetryLater', async () => {
    expect(await execute(throwing(new GiveUp('no such city', 'not_found')))).toMatchObject({
      retryable: false,
      error: { code: 'not_found' },
    });
    expect(await execute(throwing(new RetryLater(7)))).toMatchObject({
      retryable: true,
      retryAfterMs: 7_000,
    });
  });
});

describe('the timeout', () => {
  it('aborts the signal and ends the wait, also for a handler that never looks', async () => {
    let aborted = false;
    const hangs: HandlerDefinition<typeof params>['run'] = ({ signal }) => {
      signal.addEventListener('abort', () => void (aborted = true));
      return new Promise(() => {});
    };
    expect(await execute(hangs, { timeoutMs: 20 })).toMatchObject({
      kind: 'failed',
      retryable: true,
      error: { code: 'timeout', message: 'No result within 0.02 s' },
    });
    expect(aborted).toBe(true);
  });
});

describe('a row that is older than the code', () => {
  it('fails for good when its type is gone or its parameters no longer fit', async () => {
    expect(await execute(() => 1, { type: 'gone' })).toMatchObject({
      retryable: false,
      error: { code: 'unknown_type' },
    });
    expect(await execute(() => 1, { params: { a: 'x' } })).toMatchObject({
      retryable: false,
      error: { code: 'bad_params' },
    });
  });
});

describe('parameters that are filled in at the run', () => {
  const fill = (fillAtRun: ExecutorDeps['fillAtRun']) =>
    execute(
      ({ params: { a } }) => a,
      {},
      undefined,
      { fillAtRun },
      {
        flow_id: 'f',
        node: 'n',
        blocked_by: -1,
      },
    );

  it('are what the handler gets', async () => {
    const outcome = await fill(async () => ({ params: { a: 5, b: 1 }, bytes: 9, empty: [] }));
    expect(outcome).toMatchObject({ kind: 'completed', result: '5' });
  });

  it('are checked, and the error names what had no value', async () => {
    const filled = { params: { a: null, b: 1 }, bytes: 9, empty: ['x.result.y'] };
    expect(await fill(async () => filled)).toMatchObject({
      retryable: false,
      error: {
        code: 'invalid_params',
        message: expect.stringMatching(/params\.a.*x\.result\.y had no value/) as string,
      },
    });
    const error = { code: 'values_too_large', message: 'no' };
    expect(await fill(async () => ({ error }))).toMatchObject({ retryable: false, error });
  });

  it('that cannot be read now are read at the next attempt', async () => {
    const outcome = await fill(() =>
      Promise.reject(new Error('D1_ERROR: Network connection lost')),
    );
    expect(outcome).toMatchObject({ kind: 'failed', retryable: true });
  });
});

it('lets all under a limit wait as long as a provider says', async () => {
  const paused: unknown[] = [];
  const busy = defineHandler({
    type: 'busy',
    description: 'Has too much to do',
    lane: 'external',
    params: z.strictObject({}),
    example: {},
    run: () => {
      throw new Busy(30, 'too much', 'provider_rate_limited');
    },
  });
  const executor = createExecutor({
    ...executorDeps,
    catalog: { find: () => busy, load: () => undefined },
    pauseLimit: async (...said) => void paused.push(said),
    log: keepLog().log,
  });
  const options = {
    ...silentRun,
    progress: () => {},
    watchLease: () => new AbortController().signal,
  };
  const limited = aTask({ type: 'busy', params: {}, limitKey: 'provider' });
  expect(await executor.execute(limited, options)).toMatchObject({ retryAfterMs: 30_000 });
  await executor.execute(aTask({ type: 'busy', params: {} }), options);
  expect(paused).toEqual([[limited.owner, 'provider', 30_000]]);
});
