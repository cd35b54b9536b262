import { env } from 'cloudflare:workers';
import { expect, it, vi } from 'vitest';
import { allows, COMMANDS, isRepeatable } from '../../src/domain/lifecycle.ts';
import { STATUSES, type Status } from '../../src/domain/words.ts';
import { getServices } from '../../src/wiring/services.ts';
import { call, finished, submit } from '../support/client.ts';
import { aTask, OWNER, rowOf, store } from '../support/rows.ts';

const { commands } = getServices(env);
const later = { scheduledAt: Date.now() + 3_600_000 };

/** A stored task of a status, as the schema allows it. */
const setStatus = async (status: Status): Promise<string> => {
  const task = aTask(later);
  await store(task);
  const isFinal = ['COMPLETED', 'FAILED', 'CANCELLED'].includes(status);
  await env.DB.prepare(
    'UPDATE tasks SET status = ?, wake_at = ?, completed_at = ?, result = ? WHERE id = ?',
  )
    .bind(
      status,
      isFinal || status === 'PAUSED' ? null : task.wake_at,
      isFinal ? Date.now() : null,
      status === 'COMPLETED' ? '1' : null,
      task.id,
    )
    .run();
  return task.id;
};
const run = (command: (typeof COMMANDS)[number], id: string): Promise<unknown> =>
  command === 'delete' ? commands.remove(OWNER, id) : commands[command](OWNER, id);

it.each(COMMANDS.flatMap((command) => STATUSES.map((status) => [command, status] as const)))(
  '%s of a task that is %s: as the lifecycle says',
  async (command, status) => {
    const id = await setStatus(status);
    const result = run(command, id);
    if (allows(command, status) || isRepeatable(command, status)) await result;
    else await expect(result).rejects.toMatchObject({ members: { task_status: status } });
    if (!allows(command, status)) expect((await rowOf(id)).status).toBe(status);
  },
);

it('purges all of an owner, whatever its status, in chunks, and no other owner', async () => {
  await env.DB.prepare('DELETE FROM tasks').run();
  const { task_id } = await submit('sum', { a: 1, b: 2 });
  await finished(task_id);
  const waiting = Array.from({ length: 450 }, () => aTask(later));
  for (let i = 0; i < 450; i += 100) await store(...waiting.slice(i, i + 100));
  const theirs = aTask({ owner: 'another owner', ...later });
  await store(theirs);
  const purged = await commands.purge(OWNER);
  expect(purged.filter(({ status }) => status === 'NEW')).toHaveLength(450);
  expect(purged.filter(({ status }) => status !== 'NEW')).toMatchObject([{ status: 'COMPLETED' }]);
  // The cache of the data centre forgets few by name, and everything within 5 s.
  await vi.waitUntil(async () => (await call(`/tasks/${task_id}`)).status === 404, {
    timeout: 7_000,
    interval: 500,
  });
  const left = await env.DB.prepare('SELECT owner FROM tasks').all<{ owner: string }>();
  expect(left.results).toEqual([{ owner: 'another owner' }]);
  await expect(rowOf(task_id)).rejects.toThrow();
});
