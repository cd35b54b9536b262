import { expect, it } from 'vitest';
import { GiveUp, RetryLater } from '../../src/domain/errors.ts';
import { GoOn } from '../../src/domain/errors.ts';
import { TimeoutError, toFailure, toOutcome } from '../../src/engine/outcome.ts';

it.each([
  [undefined, 'null'],
  [null, 'null'],
  [{ a: [1, 'x'] }, '{"a":[1,"x"]}'],
  ['', '""'],
])('makes JSON of %j', (value, result) => {
  expect(toOutcome(value)).toEqual({ kind: 'completed', result });
});

it.each([
  ['a function', () => {}],
  ['a symbol within', { a: Symbol('x') }],
  ['a bigint', 1n],
])('refuses %s, for JSON has no word for it', (_, value) => {
  expect(toOutcome(value)).toMatchObject({ kind: 'failed', error: { code: 'bad_result' } });
});

it.each([
  [new TimeoutError('late'), { error: { code: 'timeout' }, retryable: true }],
  [new GiveUp('no', 'hopeless'), { error: { code: 'hopeless' }, retryable: false }],
  [new RetryLater(7, 'busy', 'later'), { error: { code: 'later' }, retryAfterMs: 7_000 }],
  [new Error('oops'), { error: { code: 'handler_error', message: 'oops' }, retryable: true }],
  ['text', { error: { code: 'handler_error', message: 'text' }, retryable: true }],
])('makes a failure of %s', (thrown, failure) => {
  expect(toFailure(thrown)).toMatchObject({ kind: 'failed', ...failure });
});

it('goes on from a checkpoint of 16 KB at most, in bytes', () => {
  const ofBytes = (n: number) => toFailure(new GoOn('ä'.repeat((n - 2) / 2)));
  expect(ofBytes(16_384)).toMatchObject({ kind: 'continued' });
  expect(ofBytes(16_386)).toMatchObject({ error: { code: 'checkpoint_too_large' } });
  expect(toFailure(new GoOn({ at: 7 }))).toEqual({ kind: 'continued', checkpoint: '{"at":7}' });
});
