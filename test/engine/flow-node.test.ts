import { expect, it } from 'vitest';
import { MAX_COPIED_BYTES } from '../../src/domain/flow.ts';
import { prepareNode } from '../../src/engine/flow-node.ts';
import { catalog } from '../../src/handlers/catalog.ts';
import { dependencies } from '../support/deps.ts';
import { aTask } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const deps = { catalog, secrets: dependencies.secrets, hasSearchIndex: true, now: () => NOW };
const filled = (params: unknown, more: { bytes?: number; empty?: string[] } = {}) => ({
  params,
  bytes: 20,
  empty: [],
  ...more,
});

it('checks parameters as a submit does, and says which values were missing', () => {
  const prepared = prepareNode(aTask(), filled({ a: null, b: 1 }, { empty: ['x.result.y'] }), deps);
  expect(prepared).toMatchObject({
    error: {
      code: 'invalid_params',
      message: expect.stringMatching(/params\.a.*x\.result\.y had no value/) as string,
    },
  });
});

it('copies small values, leaves large ones for the run, and keeps what was decided', () => {
  const task = { ...aTask(), params: 'as written', timeout_ms: 0, delay_ms: 5_000 };
  expect(prepareNode(task, filled({ a: 123_456, b: 1 }), deps)).toMatchObject({
    params: '{"a":123456,"b":1}',
    blocked_by: null,
    scheduled_at: NOW + 5_000,
    identifiers: '["123456"]',
    timeout_ms: expect.any(Number) as number,
  });
  const large = filled({ a: 1, b: 1 }, { bytes: MAX_COPIED_BYTES + 1 });
  expect(prepareNode({ ...task, timeout_ms: 9_000 }, large, deps)).toMatchObject({
    // As they were written.
    params: null,
    blocked_by: -1,
    timeout_ms: 9_000,
  });
});

it('passes errors on, and refuses a type that is gone', () => {
  const error = { code: 'x', message: 'y' };
  expect(prepareNode(aTask(), { error }, deps)).toEqual({ error });
  expect(prepareNode(aTask({ type: 'gone' }), filled({}), deps)).toMatchObject({
    error: { code: 'unknown_type' },
  });
});
