import { expect, it } from 'vitest';
import { createFollowUp } from '../../src/engine/follow-up.ts';
import { aTask } from '../support/rows.ts';

it('lets limits and flows know of the same tasks', async () => {
  const told: [string, string[]][] = [];
  const tell = (what: string) => async (tasks: readonly { owner: string }[]) =>
    void told.push([what, tasks.map(({ owner }) => owner)]);
  const followUp = createFollowUp({
    admission: { admitAfter: tell('limits') },
    flowRelease: { releaseAfter: tell('flows') },
  });
  const task = aTask();
  await followUp([task]);
  expect(told).toEqual([
    ['limits', [task.owner]],
    ['flows', [task.owner]],
  ]);
});
