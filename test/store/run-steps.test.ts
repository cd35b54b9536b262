import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createRunSteps } from '../../src/store/run-steps.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import type { Task } from '../../src/domain/task.ts';
import { observeDatabase } from '../support/database.ts';
import { aTask, store } from '../support/rows.ts';

const steps = createRunSteps(env.DB);

it('keeps the first result of a step, for one row, while the run has its task', async () => {
  const task = aTask();
  await store(task);
  const [run] = (await createTransitions(env.DB).claim([task], Date.now(), false)) as [Task];
  const { asked, stop } = observeDatabase();
  expect(await steps.save(run, 'a', '1')).toEqual([{ name: 'a', attempt: 1, result: '1' }]);
  const written = asked.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);
  stop();
  console.log(`rows written by a step: ${written}`);
  expect(written).toBe(1);
  expect(await steps.save(run, 'a', '2')).toEqual([{ name: 'a', attempt: 1, result: '1' }]);
  expect(await steps.save({ ...run, attempt: 2 }, 'b', '1')).toEqual([]);
  expect(await steps.save({ ...run, owner: 'other' }, 'b', '1')).toEqual([]);
  await env.DB.prepare('DELETE FROM tasks WHERE id = ?').bind(task.id).run();
  expect(await steps.read(task)).toEqual([]);
});
