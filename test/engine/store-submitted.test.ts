import { expect, it } from 'vitest';
import type { Acceptance } from '../../src/engine/accept-wire.ts';
import { createReplayFinder, createStoring } from '../../src/engine/store-submitted.ts';
import { keepLog, noLargeBodies } from '../support/deps.ts';
import { aTask } from '../support/rows.ts';

const request = { type: 'sum', params: {}, priority: 'MEDIUM' } as const;

/** Answers of the Dispatcher, one for each call, and who has the unique key then. */
const setup = (answers: (Acceptance[] | Error)[], holders: (string | null)[] = []) => {
  const { log } = keepLog();
  const restored: string[] = [];
  const uniqueTasks = {
    restore: async ({ id }: { id: string }) => void restored.push(id),
    find: async () => {
      const id = holders.shift();
      return new Map(id ? [['key:k', aTask({ id })]] : []);
    },
    resolve: async (holder: ReturnType<typeof aTask>) =>
      holder.id === 'begun' ? null : ({ task: holder, conflict: 'returned' } as const),
  };
  const findReplays = createReplayFinder({
    store: { findByIdempotencyKeys: async () => new Map() },
    log,
  });
  const accept = async (): Promise<Acceptance[]> => {
    const answer = answers.shift() ?? [];
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const storeTasks = createStoring(
    { accept, uniqueTasks, largeBodies: noLargeBodies, log },
    findReplays,
  );
  return (tasks: ReturnType<typeof aTask>[]) =>
    storeTasks({ caller: { owner: 'local' }, requests: tasks.map(() => request) }, tasks, null);
};

it('answers with what was stored, and with the task that has the key of another', async () => {
  const [plain, second] = [aTask(), aTask({ uniqueKey: 'key:k' })];
  const submit = setup([['accepted', 'duplicate']], ['holder']);
  const submitted = await submit([plain, second]);
  expect(submitted.map(({ task, conflict }) => [task.id, conflict])).toEqual([
    [plain.id, undefined],
    ['holder', 'returned'],
  ]);
});

it('tries again while the key is taken and left', async () => {
  const task = aTask({ uniqueKey: 'key:k' });
  const freed = setup([['duplicate'], ['accepted']], [null]);
  expect((await freed([task]))[0]).toMatchObject({ task: { id: task.id }, replayed: false });
  const begun = setup([['duplicate'], ['duplicate'], ['accepted']], ['begun', 'begun']);
  expect((await begun([task]))[0]).toMatchObject({ task: { id: task.id } });
  const never = setup(Array.from({ length: 9 }, () => ['duplicate']));
  await expect(never([task])).rejects.toMatchObject({ code: 'task_rejected' });
  const full = setup([['duplicate'], ['database_full']], [null]);
  await expect(full([task])).rejects.toMatchObject({ code: 'database_full' });
});

it('does not know what became of a call without an answer, whatever refuses the second one', async () => {
  const lost = new Error('Durable Object reset because its code was updated.');
  const busy = Object.assign(new Error('Durable Object is overloaded'), { overloaded: true });
  for (const second of ['overloaded', 'database_full', 'too_many_unfinished', busy] as const) {
    const submit = setup([lost, second instanceof Error ? second : [second]]);
    await expect(submit([aTask()])).rejects.toMatchObject({ code: 'outcome_unknown' });
  }
  expect(await setup([lost, ['accepted']])([aTask()])).toHaveLength(1);
  await expect(setup([busy])([aTask()])).rejects.toMatchObject({ code: 'overloaded' });
});
