import { expect, it } from 'vitest';
import { toStub } from '../../src/domain/body.ts';
import { createRunParams } from '../../src/engine/run-params.ts';
import { catalog } from '../../src/handlers/catalog.ts';
import { executorDeps } from '../support/deps.ts';
import { aTask } from '../support/rows.ts';

const setup = (text: string | Error) => {
  let released = 0;
  const params = createRunParams({
    ...executorDeps,
    catalog,
    holdParams: async () => {
      if (text instanceof Error) throw text;
      return { text, release: () => void (released += 1) };
    },
  });
  return { ...params, released: () => released };
};

it('reads what is in the row at once, and holds what is not', async () => {
  const { readParams } = setup('{"a":1,"b":2}');
  expect(readParams(aTask())).toEqual({ params: { a: 1, b: 2 } });
  const task = { ...aTask(), params: toStub({ bytes: 20_000, name: '0-a' }) };
  expect(await readParams(task)).toMatchObject({ params: { a: 1, b: 2 } });
  // Whoever hears of the task later has them.
  expect(task.params).toBe('{"a":1,"b":2}');
  const larger = { ...aTask(), params: toStub({ bytes: 2_000_000, name: '0-a' }) };
  await readParams(larger);
  expect(larger.params).toContain('$body');
});

it('fails an attempt whose parameters are not to be had, for now', async () => {
  const task = { ...aTask(), params: toStub({ bytes: 20_000, name: '0-a' }) };
  const failed = await setup(new Error('R2 is away')).readParams(task);
  expect(failed).toMatchObject({ kind: 'failed', retryable: true });
});

it('finds the handler, or says why it cannot run', () => {
  const { prepare } = setup('');
  expect(prepare(aTask(), { params: { a: 1, b: 2 } })).toMatchObject({ params: { a: 1, b: 2 } });
  expect(prepare(aTask({ type: 'gone' }), { params: {} })).toMatchObject({
    error: { code: 'unknown_type' },
  });
  expect(prepare(aTask(), { params: { a: 'x' } })).toMatchObject({ error: { code: 'bad_params' } });
  expect(prepare(aTask({ type: 'chatgpt' }), { params: { prompt: 'Hi' } })).toMatchObject({
    error: { code: 'not_configured' },
  });
});
