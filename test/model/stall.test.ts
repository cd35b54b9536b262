import { database } from './database.ts';
import { expect, it } from 'vitest';
import { IDS, World } from './world.ts';

/** How long the database gives no answer, and how often somebody finds that out. */
const STALL_MS = 80_000;
const STEP_MS = 4_000;

it('a stall of 80 s under load runs no task twice, and loses none', async () => {
  for (const kind of ['before', 'after'] as const) {
    const world = await World.empty();
    for (const i of IDS.keys())
      await world.create(i, { delayMs: 0, attempts: 2, kind: 'sum' }, false);
    for (const _ of IDS) await world.deliver(0, false);
    const running = world.executions.length;
    expect(running).toBeGreaterThan(1);
    world.faults.fail = { kind: 'before', times: Infinity };
    for (let passed = 0; passed < STALL_MS; passed += STEP_MS) {
      world.now += STEP_MS;
      await world.tick();
      // All but one end while nobody hears of it; one of them goes on until it is over.
      if (world.executions.length > 1) await world.finish(0, 'complete');
    }
    // What was asked last may have been done all the same.
    world.faults.fail = kind === 'after' ? { kind, times: 1 } : null;
    await world.tick();
    await world.quiesce();
    const rows = await database.prepare('SELECT status, attempt, rescues FROM tasks').all();
    expect(rows.results).toEqual(IDS.map(() => ({ status: 'COMPLETED', attempt: 1, rescues: 0 })));
  }
});
