import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import type { Task } from '../../src/domain/task.ts';
import { startHeartbeat } from '../../src/engine/heartbeat.ts';
import { createLeaseStore } from '../../src/store/leases.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { keepLog } from '../support/deps.ts';
import { aTask, OWNER, rowOf, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const HOUR_MS = 3_600_000;

const setup = async () => {
  let time = NOW;
  const leases = createLeaseStore(env.DB);
  const watch = startHeartbeat({ leases, now: () => time, log: keepLog().log });
  const transitions = createTransitions(env.DB);
  const task = aTask({ timeoutMs: HOUR_MS }, NOW);
  await store(task);
  const [claimed] = await transitions.claim([task], NOW, false);
  return {
    watch,
    leases,
    transitions,
    task: claimed as Task,
    pass: (ms: number) => void (time += ms),
  };
};

const aborted = (signal: AbortSignal) =>
  new Promise<unknown>((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)));

describe('a claim of a long task', () => {
  it('has a lease of a minute, renewed at half time, with its progress, while it runs', async () => {
    const { watch, task, pass } = await setup();
    const signal = watch.add(task);
    watch.report(task.id, { fraction: 0.5, note: 'half' });
    pass(30_000);
    const row = await vi.waitUntil(
      async () => {
        const found = await rowOf(task.id);
        return found.wake_at === NOW + 90_000 ? found : null;
      },
      { timeout: 5_000 },
    );
    expect(row).toMatchObject({
      progress: '{"fraction":0.5,"note":"half"}',
      version: task.version,
      status: 'IN_PROGRESS',
    });
    expect(signal.aborted).toBe(false);
    watch.remove(task.id);
  });

  it('is not renewed before, and nothing is written for what reports nothing', async () => {
    const { leases, task } = await setup();
    const before = await rowOf(task.id);
    expect(
      await leases.findHeld([{ owner: OWNER, id: task.id, attempt: 1, progress: null }]),
    ).toEqual(new Set([task.id]));
    expect(await rowOf(task.id)).toEqual(before);
  });
});

describe('a task that is no longer ours', () => {
  it.each([
    [
      'cancelled',
      ({ transitions, task }: Awaited<ReturnType<typeof setup>>) =>
        transitions.command('cancel', OWNER, task.id, NOW),
    ],
    [
      'deleted',
      ({ task }: Awaited<ReturnType<typeof setup>>) =>
        env.DB.prepare('DELETE FROM tasks WHERE id = ?').bind(task.id).run(),
    ],
  ])('is aborted within about 2 s: %s', async (_, tryReserve) => {
    const parts = await setup();
    const taken = aborted(parts.watch.add(parts.task));
    await tryReserve(parts);
    expect(await taken).toMatchObject({ name: 'AbortError' });
    parts.watch.remove(parts.task.id);
  });

  it('is refused the renewal, in whatever state it is now', async () => {
    const { leases, transitions, task } = await setup();
    const stale = { owner: OWNER, id: task.id, attempt: 0, progress: '{}' };
    expect(await leases.renew([stale], NOW + 1)).toEqual(new Set());
    await transitions.command('cancel', OWNER, task.id, NOW);
    expect(await leases.renew([{ ...stale, attempt: 1 }], NOW + 1)).toEqual(new Set());
    expect(await rowOf(task.id)).toMatchObject({
      status: 'CANCELLED',
      wake_at: null,
      progress: null,
    });
  });
});
