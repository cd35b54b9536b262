import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { allows, COMMANDS, isRepeatable } from '../../src/domain/lifecycle.ts';
import { STATUSES, type Status } from '../../src/domain/words.ts';
import { getServices } from '../../src/wiring/services.ts';
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
  command === 'delete'
    ? commands.remove(OWNER, id)
    : commands[command](OWNER, id, async () => true);

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
