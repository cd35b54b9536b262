import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { createTransitions } from '../../src/store/transitions.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { createUniqueStore } from '../../src/store/unique.ts';
import { putLimit } from '../support/limits.ts';
import { aTask, rowOf, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const unique = createUniqueStore(env.DB);
const transitions = createTransitions(env.DB);
const tasks = createTaskStore(env.DB);

const uniqueTask = (owner: string, uniqueKey: string, more: object = {}, at = NOW) =>
  aTask({ owner, uniqueKey, ...more }, at);
const isStored = async ({ owner, id }: { owner: string; id: string }): Promise<boolean> =>
  (await tasks.get(owner, id)) !== null;

describe('while the other is unfinished', () => {
  it('takes no second one, whoever ends, is deleted, or has another owner', async () => {
    const first = uniqueTask('o', 'k');
    const second = uniqueTask('o', 'k');
    await store(first, second, first);
    expect([await isStored(first), await isStored(second)]).toEqual([true, false]);
    await store(uniqueTask('other', 'k'));
    expect((await unique.find('o', ['k', 'none'], NOW)).get('k')?.id).toBe(first.id);
    await transitions.command('cancel', 'o', first.id, NOW);
    expect(await unique.find('o', ['k'], NOW)).toEqual(new Map());
    await store(second);
    expect(await isStored(second)).toBe(true);
    // And the first is not run again beside it.
    expect(await transitions.command('retry', 'o', first.id, NOW)).toBeNull();
    await tasks.remove('o', [second.id]);
    expect(await transitions.command('retry', 'o', first.id, NOW)).not.toBeNull();
    const third = uniqueTask('o', 'k');
    await store(third);
    expect(await isStored(third)).toBe(false);
  });
});

it('takes no second one for a time, whatever becomes of the first', async () => {
  const first = uniqueTask('t', 'k', { uniqueMs: 60_000 });
  await store(first);
  await transitions.command('cancel', 't', first.id, NOW + 1);
  const soon = uniqueTask('t', 'k', { uniqueMs: 60_000 }, NOW + 59_999);
  const later = uniqueTask('t', 'k', { uniqueMs: 60_000 }, NOW + 60_000);
  await store(soon, later);
  expect([await isStored(soon), await isStored(later)]).toEqual([false, true]);
});

it('does not take the key for a task that its Idempotency-Key keeps out', async () => {
  const first = uniqueTask('i', 'k', { idempotencyKey: 'same' });
  await store(first);
  await transitions.command('cancel', 'i', first.id, NOW);
  await store(uniqueTask('i', 'k', { idempotencyKey: 'same' }));
  const next = uniqueTask('i', 'k');
  await store(next);
  expect(await isStored(next)).toBe(true);
});

describe('a task that is given something else to do', () => {
  it('keeps its id and its age, and waits anew', async () => {
    const first = uniqueTask('r', 'k', { identifiers: ['before'] });
    await store(first);
    const other = uniqueTask(
      'r',
      'k',
      { params: { a: 7, b: 8 }, scheduledAt: NOW + 9_000, title: 'new', identifiers: ['after'] },
      NOW + 1_000,
    );
    const replaced = await unique.replace('r', first.id, other, NOW + 1_000);
    expect(replaced).toMatchObject({
      id: first.id,
      status: 'NEW',
      held: 'time',
      wake_at: NOW + 9_000,
      title: 'new',
      params: '{"a":7,"b":8}',
      submitted_at: NOW,
      version: 2,
    });
    const { results } = await env.DB.prepare(
      `SELECT value FROM search_index WHERE owner = 'r'`,
    ).all();
    expect(results).toEqual([{ value: 'after' }]);
  });

  it('stays under the limit of its type', async () => {
    await putLimit('u', { max_running: 1 }, NOW, 'sum');
    const first = uniqueTask('u', 'k');
    await store(first);
    expect(await rowOf(first.id, 'u')).toMatchObject({ held: 'limit', limit_key: 'sum' });
    const other = uniqueTask('u', 'k', { title: 'new', priority: 'HIGH' });
    expect(await unique.replace('u', first.id, other, NOW)).toMatchObject({
      held: 'limit',
      limit_key: 'sum',
      turn: `0${first.id}`,
      wake_at: null,
    });
  });

  it('stays paused when it is paused, and is left alone once it has begun', async () => {
    const first = uniqueTask('s', 'k');
    await store(first);
    await transitions.command('pause', 's', first.id, NOW);
    const other = uniqueTask('s', 'k', { title: 'new' });
    expect(await unique.replace('s', first.id, other, NOW)).toMatchObject({
      status: 'PAUSED',
      held: null,
      wake_at: null,
      title: 'new',
    });
    await transitions.command('resume', 's', first.id, NOW);
    await transitions.claim([first], NOW, false);
    expect(await unique.replace('s', first.id, other, NOW)).toBeNull();
    await unique.release('s', 'k', first.id);
    await unique.restore('s', 'k', first.id);
    await store(other);
    expect(await isStored(other)).toBe(false);
    await unique.release('s', 'k', first.id);
    await store(other);
    await unique.restore('s', 'k', first.id);
    expect((await unique.find('s', ['k'], NOW)).get('k')?.title).toBe('new');
  });
});
