import { expect, it } from 'vitest';
import { AppError } from '../../src/domain/errors.ts';
import { createChildren } from '../../src/engine/children.ts';
import type { Submission } from '../../src/engine/submission.ts';
import type { Submitted } from '../../src/engine/store-submitted.ts';
import { aTask } from '../support/rows.ts';

const setup = ({
  above = 0,
  submit = async () => [{ task: aTask(), replayed: false }],
}: { above?: number; submit?: (submission: Submission) => Promise<Submitted[]> } = {}) => {
  const asked: Submission[] = [];
  const children = createChildren({
    submit: (submission) => (asked.push(submission), submit(submission)),
    family: { countAncestors: async () => above },
    tryConsume: async () => false,
    publicHost: 'tasker.example',
  });
  return { asked, children };
};
const child = { type: 'sum', params: { a: 1, b: 2 } };

it('has a key of its own for each, and its trace and parent', async () => {
  const { asked, children } = setup();
  const parent = { ...aTask({ traceparent: 'trace' }), priority: 'HIGH' as const };
  await children.submitForHandler(parent, 3, child);
  expect(asked).toMatchObject([
    {
      requests: [{ ...child, priority: 'HIGH' }],
      caller: {
        ownHost: 'tasker.example',
        owner: parent.owner,
        parentId: parent.id,
        traceparent: 'trace',
      },
    },
  ]);
  expect(asked[0]?.findKey(0)).toBe(`child:${parent.id}:3`);
});

it('ends where they are too many, or too deep', async () => {
  const { children } = setup({ above: 16 });
  const parent = aTask({ parentId: aTask().id });
  await expect(children.submitForHandler(parent, 0, child)).rejects.toMatchObject({
    name: 'GiveUp',
    message: 'Tasks are nested 16 deep at most',
  });
  await expect(children.submitForHandler(aTask(), 1_000, child)).rejects.toThrow('1000 tasks');
});

it('lets a handler come back for what passes by itself, and give up for what does not', async () => {
  const refuse = (code: 'rate_limited' | 'unknown_type', more: object) =>
    setup({ submit: () => Promise.reject(new AppError(code, 'No', more)) }).children;
  await expect(
    refuse('rate_limited', { retryAfterSeconds: 7 }).submitForHandler(aTask(), 0, child),
  ).rejects.toMatchObject({ name: 'RetryLater', seconds: 7 });
  const errors = [{ in: 'body', path: 'params.a', code: 'x', message: 'Wrong' }];
  await expect(
    refuse('unknown_type', { errors }).submitForHandler(aTask(), 0, child),
  ).rejects.toMatchObject({ name: 'GiveUp', message: 'No; params.a: Wrong' });
  const { children } = setup({
    submit: async ({ consumeMetered }) => (await consumeMetered(1), []),
  });
  await expect(children.submitForHandler(aTask(), 0, child)).rejects.toMatchObject({
    name: 'RetryLater',
    seconds: 10,
  });
});
