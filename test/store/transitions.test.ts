import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';

import type { Task } from '../../src/domain/task.ts';
import type { Verdict } from '../../src/domain/retry.ts';
import { createLeaseStore } from '../../src/store/leases.ts';
import { createSweeps } from '../../src/store/sweeps.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { aTask, looksUntil, OWNER, parseAttempts, rowOf, store } from '../support/rows.ts';

const transitions = createTransitions(env.DB);
const NOW = 1_900_000_000_000;
/**
 * https://developers.cloudflare.com/d1/platform/limits/; the local simulator does not enforce it.
 */
const D1_MAX_VALUE_BYTES = 2_000_000;
const done = (result: unknown): Verdict => ({
  transition: 'complete',
  result: JSON.stringify(result),
});
const failing: Verdict = {
  transition: 'reschedule',
  error: { code: 'handler_error', message: 'no' },
  delayMs: 3_000,
};

/** A stored task and the verbs on it. */
const setup = async (more: Parameters<typeof aTask>[0] = {}) => {
  const task = aTask(more, NOW);
  await store(task);
  const key = { owner: OWNER, id: task.id };
  /** The row as each attempt found it. */
  const claims = new Map<number, Task>();
  return {
    task,
    claim: async (at = NOW, isolated = false) => {
      const [claimed] = await transitions.claim([key], at, isolated);
      if (claimed) claims.set(claimed.attempt, claimed);
      return claimed;
    },
    record: async (attempt: number, verdict: Verdict, at = NOW) => {
      const claimed = claims.get(attempt);
      return claimed && (await transitions.record([{ task: claimed, verdict }], at))[0];
    },
    rescue: (at: number) => createSweeps(env.DB).sweep(at, 10, looksUntil(at)),
  };
};

describe('claim', () => {
  it('takes nothing that has expired before its first attempt', async () => {
    const { claim } = await setup({ expiresAt: NOW + 10 });
    expect(await claim(NOW + 10)).toBeUndefined();
    expect(await claim(NOW + 9)).toMatchObject({ attempt: 1 });
  });

  it('takes a task once, however often its message comes', async () => {
    const { claim } = await setup();
    expect(await claim()).toMatchObject({
      status: 'IN_PROGRESS',
      attempt: 1,
      version: 2,
      // The claim names no column of the clock's index.
      wake_at: NOW + 5_000,
    });
    expect(await claim()).toBeUndefined();
  });

  it('leaves one alone whose time has not come, give or take a second', async () => {
    const { claim, record } = await setup();
    await claim();
    await record(1, failing);
    expect(await claim(NOW + 1_999)).toBeUndefined();
    expect(await claim(NOW + 2_000)).toMatchObject({ attempt: 2 });
  });

  it('takes a once-rescued task only alone', async () => {
    const { claim, rescue } = await setup();
    await claim();
    await rescue(NOW + 15_001);
    expect(await claim(NOW + 16_000)).toBeUndefined();
    expect(await claim(NOW + 16_000, true)).toMatchObject({ attempt: 2, rescues: 1 });
  });
});

describe('record', () => {
  it('keeps a result to the letter', async () => {
    const awkward = {
      text: 'a"b\\c\u0000\ud800 é 😀',
      big: 1.5e300,
      deep: [[[]]],
      null: null,
      __proto__: 1,
    };
    for (const result of [awkward, null, '', 0, [], 'null', { a: 1.0 }]) {
      const { claim, record, task } = await setup();
      await claim();
      await record(1, done(result));
      expect((await rowOf(task.id)).result).toBe(JSON.stringify(result));
    }
  });

  it('binds a result of a megabyte, all quotes, as no more than D1 takes', async () => {
    const { claim, record, task } = await setup();
    await claim();
    const result = '"'.repeat(524_280);
    const bound = vi.spyOn(
      Object.getPrototypeOf(env.DB.prepare('SELECT 1')) as D1PreparedStatement,
      'bind',
    );
    await record(1, done(result));
    const longest = Math.max(...bound.mock.calls.flat().map((value) => String(value).length));
    bound.mockRestore();
    expect(longest).toBeGreaterThan(1_000_000);
    expect(longest).toBeLessThan(D1_MAX_VALUE_BYTES);
    expect((await rowOf(task.id)).result).toBe(JSON.stringify(result));
  });

  it('refuses a late first attempt once the second has been claimed', async () => {
    const { claim, record, rescue, task } = await setup();
    await claim();
    await rescue(NOW + 15_001);
    await claim(NOW + 16_000, true);
    expect(await record(1, done('late'))).toBeUndefined();
    expect(await record(2, done('right'))).toMatchObject({
      status: 'COMPLETED',
      result: '"right"',
    });
    expect(await record(2, done('again'))).toBeUndefined();
    expect(parseAttempts(await rowOf(task.id)).map(({ outcome }) => outcome)).toEqual([
      'rescued',
      'completed',
    ]);
  });

  it('writes a mixed group and returns each row', async () => {
    const all = await Promise.all([setup(), setup(), setup()]);
    for (const { claim } of all) await claim();
    const verdicts: Verdict[] = [
      done(1),
      failing,
      { transition: 'fail', error: { code: 'x', message: 'y' } },
    ];
    const rows = await transitions.record(
      all.map(({ task }, i) => ({
        task: { ...task, attempt: 1 },
        verdict: verdicts[i] as Verdict,
      })),
      NOW,
    );
    expect(rows.map(({ status }) => status).toSorted()).toEqual(['COMPLETED', 'FAILED', 'PENDING']);
    const [completed, pending, failed] = await Promise.all(all.map(({ task }) => rowOf(task.id)));
    expect(completed).toMatchObject({
      status: 'COMPLETED',
      completed_at: NOW,
      wake_at: null,
      result: '1',
    });
    expect(pending).toMatchObject({
      status: 'PENDING',
      completed_at: null,
      scheduled_at: NOW + 3_000,
      held: null,
      wake_at: NOW + 5_000,
      result: null,
    });
    expect(failed).toMatchObject({
      status: 'FAILED',
      completed_at: NOW,
      wake_at: null,
      result: null,
    });
  });

  it.each([
    [30_000, { held: null, wake_at: NOW + 5_000 }],
    [30_001, { held: 'time', wake_at: NOW + 30_001 }],
  ])('leaves a delay of %i ms to the message, or to the clock', async (delayMs, expected) => {
    const { claim, record } = await setup();
    await claim();
    const error = { code: 'x', message: 'y' };
    const row = await record(1, { transition: 'reschedule', error, delayMs });
    expect(row).toMatchObject({ status: 'PENDING', scheduled_at: NOW + delayMs, ...expected });
  });

  it('lets go of a retry that was held by its lease', async () => {
    const { claim, task } = await setup();
    const claimed = await claim();
    await createLeaseStore(env.DB).renew(
      [{ owner: OWNER, id: task.id, attempt: 1, progress: null }],
      NOW,
    );
    const [row] = claimed
      ? await transitions.record([{ task: claimed, verdict: failing }], NOW)
      : [];
    expect(row).toMatchObject({ status: 'PENDING', held: null });
    expect(row?.wake_at).toBe((row?.scheduled_at ?? 0) + 5_000);
  });

  it('returns the row as it is, also what was changed while it ran', async () => {
    for (const verdict of [
      done({ x: 1 }),
      failing,
      { transition: 'fail', error: { code: 'x', message: 'y' } } as const,
    ]) {
      const { claim, task } = await setup();
      const claimed = await claim();
      const words = { title: 'new words', description: 'while it ran' };
      await createTaskStore(env.DB).edit(OWNER, task.id, words, NOW + 1);
      await createLeaseStore(env.DB).renew(
        [{ owner: OWNER, id: task.id, attempt: 1, progress: '{"fraction":0.5,"note":null}' }],
        NOW + 2,
      );
      const [row] = claimed ? await transitions.record([{ task: claimed, verdict }], NOW + 3) : [];
      expect(row).toEqual(await rowOf(task.id));
      expect(row).toMatchObject({ ...words, progress: '{"fraction":0.5,"note":null}' });
    }
  });

  it('keeps the newest 100 attempts', async () => {
    const { claim, record, task } = await setup({ maxAttempts: 200 });
    for (let attempt = 1; attempt <= 103; attempt += 1) {
      await claim(NOW + attempt * 10_000);
      await record(attempt, failing, NOW + attempt * 10_000);
    }
    const kept = parseAttempts(await rowOf(task.id)).map(({ attempt }) => attempt);
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([100, 4, 103]);
  });

  it('leaves a delay of more than a day to the clock', async () => {
    const { claim, record } = await setup();
    await claim();
    const day = 24 * 3_600_000;
    expect(await record(1, { ...failing, delayMs: day + 1 })).toMatchObject({
      wake_at: NOW + day + 1,
      scheduled_at: NOW + day + 1,
    });
  });
});

it('begins to count anew how often a task asked to be run later, when a person retries it', async () => {
  const task = aTask({}, NOW);
  await store(task);
  await env.DB.prepare(
    "UPDATE tasks SET status = 'FAILED', held = NULL, wake_at = NULL, completed_at = 5, snoozes = 100 WHERE id = ?",
  )
    .bind(task.id)
    .run();
  await transitions.command('retry', OWNER, task.id, NOW);
  expect(await rowOf(task.id)).toMatchObject({ status: 'PENDING', snoozes: 0 });
});
