import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createFailureStore } from '../../src/store/failures.ts';
import { createTaskSearch } from '../../src/store/search.ts';
import { aTask, store } from '../support/rows.ts';

const search = createTaskSearch(env.DB);
const failures = createFailureStore(env.DB, search);
const OWNER = 'failing';
const NOW = Date.now();

const fail = async (message: string, at: number, more: object = {}): Promise<string> => {
  const task = aTask({ owner: OWNER, scheduledAt: NOW + 1e9, ...more }, at);
  await store(task);
  const attempts = JSON.stringify([
    { attempt: 1, started_at: at, ended_at: at, outcome: 'failed', error: { code: 'x', message } },
  ]);
  await env.DB.prepare(
    `UPDATE tasks SET status = 'FAILED', wake_at = NULL, attempt = 1, completed_at = ?, attempts = ? WHERE id = ?`,
  )
    .bind(at, attempts, task.id)
    .run();
  return task.id;
};

it('groups what fails alike, and its pattern finds exactly that', async () => {
  const ids = [];
  for (const [i, seconds] of [3_000, 4_500, 17].entries())
    ids.push(await fail(`Timeout after ${seconds} ms`, NOW - 10_000 + i * 1_000));
  await fail('Disk “sda1” is full 😀', NOW - 500, { tags: ['night'] });
  const [timeouts, full] = await failures.findGroups(OWNER, {}, NOW);
  expect(timeouts).toMatchObject({
    message: 'Timeout after … ms',
    example: 'Timeout after 17 ms',
    tasks: 3,
    newest: ids[2],
    muted: false,
  });
  expect(timeouts?.trend.reduce((sum, n) => sum + n, 0)).toBe(3);
  const found = async (error: string) =>
    (await search.page(OWNER, { error }, { limit: 10 })).tasks.length;
  expect(await found(timeouts?.message ?? '')).toBe(3);
  expect(await found(full?.message ?? '')).toBe(1);
  expect(await found('Timeout after … hours')).toBe(0);
  expect(await found('Timeout after 17 ms')).toBe(1);
  const tagged = await failures.findGroups(OWNER, { tags: ['night'] }, NOW);
  expect(tagged.map(({ tasks }) => tasks)).toEqual([1]);
});

it('mutes a group until it happens again', async () => {
  const [group] = await failures.findGroups(OWNER, {}, NOW);
  const isMuted = async () =>
    (await failures.findGroups(OWNER, {}, Date.now())).find(
      ({ fingerprint }) => fingerprint === group?.fingerprint,
    )?.muted;
  await failures.mute(OWNER, group?.fingerprint ?? '', NOW);
  expect(await isMuted()).toBe(true);
  await fail('Timeout after 8 ms', NOW + 5_000);
  expect(await isMuted()).toBe(false);
  await failures.mute(OWNER, group?.fingerprint ?? '', NOW + 6_000);
  await failures.unmute(OWNER, group?.fingerprint ?? '');
  expect(await isMuted()).toBe(false);
});
