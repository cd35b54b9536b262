import { describe, expect, it } from 'vitest';
import { limitForm, resolveLimit, taskLimit, toLimitNumbers } from '../../src/domain/limit.ts';

describe('the limit of a task', () => {
  it.each([
    ['neither names one', undefined, undefined, null],
    ['its type', { max_running: 3 }, undefined, { key: 'type', subKey: '', max: 3 }],
    ['its type’s own key', { key: 'k' }, undefined, { key: 'k', subKey: '', max: null }],
    [
      'a path',
      { sub_key: 'params.customer' },
      undefined,
      { key: 'type', subKey: 'acme', max: null },
    ],
    ['a deep path', { sub_key: 'params.a.b' }, undefined, { key: 'type', subKey: '7', max: null }],
    [
      'a path to nothing',
      { sub_key: 'params.x.y' },
      undefined,
      { key: 'type', subKey: '', max: null },
    ],
    [
      'a path to what every object has',
      { sub_key: 'params.constructor.name' },
      undefined,
      { key: 'type', subKey: '', max: null },
    ],
    [
      'a path to an object',
      { sub_key: 'params.a' },
      undefined,
      { key: 'type', subKey: '', max: null },
    ],
    ['a word', { sub_key: 'fixed' }, undefined, { key: 'type', subKey: 'fixed', max: null }],
    ['the submit', { max_running: 3 }, { max_running: 5 }, { key: 'type', subKey: '', max: 5 }],
    [
      'the submit’s sub-key',
      { sub_key: 'params.customer' },
      { sub_key: 'other' },
      { key: 'type', subKey: 'other', max: null },
    ],
    [
      'another key, without the type’s numbers',
      { max_running: 3 },
      { key: 'other' },
      { key: 'other', subKey: '', max: null },
    ],
    ['only the submit', undefined, { sub_key: 'me' }, { key: 'type', subKey: 'me', max: null }],
    [
      'a lone surrogate',
      undefined,
      { sub_key: 'a\uD800' },
      { key: 'type', subKey: 'a\uFFFD', max: null },
    ],
  ])('%s', (_, ofType, given, expected) => {
    const found = resolveLimit('type', ofType, given, { customer: 'acme', a: { b: 7 } });
    expect(
      found && 'key' in found
        ? { key: found.key, subKey: found.subKey, max: found.numbers.max_running }
        : found,
    ).toEqual(expected);
  });

  it('refuses a sub-key that is too long, and says where it came from', () => {
    const found = resolveLimit('type', { sub_key: 'params.customer' }, undefined, {
      customer: 'x'.repeat(201),
    });
    expect(found).toMatchObject({ path: 'params.customer', code: 'too_big' });
  });

  it.each(['', '.', '..', 'a b', 'a/b', 'x'.repeat(101), 'ä'])('takes no key like %j', (key) => {
    expect(taskLimit.safeParse({ key }).success).toBe(false);
  });
});

it('knows numbers as the table has them, and refuses those that cannot be', () => {
  expect(
    toLimitNumbers(limitForm.parse({ rate: { count: 5 }, sub: { max_running: 2 } })),
  ).toMatchObject({
    rate_count: 5,
    rate_ms: 1_000,
    rate_burst: null,
    sub_max_running: 2,
    max_running: null,
  });
  for (const bad of [
    { max_running: 0 },
    { max_running: 1_001 },
    { max_running: 1.5 },
    { rate: { count: 0 } },
    { rate: { count: 1, per_seconds: 0 } },
    { rate: 5 },
    { unknown: 1 },
  ])
    expect(limitForm.safeParse(bad).success, JSON.stringify(bad)).toBe(false);
});
