import { expect, it } from 'vitest';
import type { AppError } from '../../src/domain/errors.ts';
import { assertNoneRefused } from '../../src/engine/assert-stored.ts';
import type { Acceptance } from '../../src/engine/accept-wire.ts';
import { aTask } from '../support/rows.ts';

const refuse = (answers: Acceptance[]): AppError => {
  const tasks = answers.map(() => aTask());
  try {
    assertNoneRefused(
      answers.filter((each) => each !== 'accepted'),
      tasks,
      answers,
    );
  } catch (error) {
    return error as AppError;
  }
  throw new Error('Nothing was refused');
};

it('says nothing where all are stored', () => {
  assertNoneRefused([], [aTask()], ['accepted']);
});

it('says of several what became of each, by the worst of them', () => {
  const error = refuse(['accepted', 'overloaded', 'outcome_unknown']);
  expect(error.code).toBe('outcome_unknown');
  expect(error.members?.['tasks']).toMatchObject([
    { outcome: 'accepted' },
    { outcome: 'overloaded' },
    { outcome: 'outcome_unknown' },
  ]);
});

it.each([
  ['overloaded', 1],
  ['database_unavailable', 5],
] as const)('says when to come back: %s', (answer, seconds) => {
  expect(refuse([answer])).toMatchObject({ code: answer, retryAfterSeconds: seconds });
});
