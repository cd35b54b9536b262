import { expect, it } from 'vitest';
import type { Acceptance } from '../../src/engine/accept-wire.ts';
import { readBack, repeatAccept, repeatInsert } from '../../src/engine/repeat.ts';
import { classifyFailure } from '../../src/store/failure.ts';
import { keepLog } from '../support/deps.ts';

const { log } = keepLog();
/** Answers in turn, and counts. */
const inTurn = <T>(...answers: (T | Error)[]) => {
  let calls = 0;
  const ask = async (): Promise<T> => {
    const answer = answers[calls];
    calls += 1;
    if (answer instanceof Error) throw answer;
    return answer as T;
  };
  return { ask, count: () => calls };
};
const lost = new Error('Durable Object reset because its code was updated.');
const busy = Object.assign(new Error('Durable Object is overloaded'), { overloaded: true });
const refused = new Error('D1_ERROR: D1 DB is overloaded. Too many requests queued.');
const constraint = new Error('D1_ERROR: CHECK constraint failed: SQLITE_CONSTRAINT');

it.each<[string, (Acceptance[] | Error)[], Acceptance[]]>([
  ['an answer', [['accepted', 'overloaded']], ['accepted', 'overloaded']],
  ['a busy object', [busy], ['overloaded', 'overloaded']],
  ['what was found', [lost, ['begun', 'duplicate']], ['begun', 'duplicate']],
  ['no second answer', [lost, lost], ['outcome_unknown', 'outcome_unknown']],
  ['a busy object, after a lost answer', [lost, busy], ['outcome_unknown', 'outcome_unknown']],
  [
    'a refusal, after a lost answer',
    [lost, ['database_unavailable', 'task_rejected']],
    ['outcome_unknown', 'task_rejected'],
  ],
])('accepts: %s', async (_, given, expected) => {
  const { ask, count } = inTurn<Acceptance[]>(...given);
  expect(await repeatAccept(ask, 2, log)).toEqual(expected);
  expect(count()).toBe(given.length);
});

it('never calls what a second call refuses known, whatever the refusal', async () => {
  const refusals: Acceptance[] = [
    'too_many_bytes',
    'database_full',
    'too_many_unfinished',
    'overloaded',
    'database_unavailable',
  ];
  for (const refusal of refusals)
    expect(await repeatAccept(inTurn<Acceptance[]>(lost, [refusal]).ask, 1, log)).toEqual([
      'outcome_unknown',
    ]);
});

it('inserts again what may be there, and tells of the first failure unless it is the rows', async () => {
  expect(await repeatInsert(inTurn<number>(lost, 1).ask, 1, log)).toBe(1);
  await expect(repeatInsert(inTurn<number>(lost, refused).ask, 1, log)).rejects.toBe(lost);
  await expect(repeatInsert(inTurn<number>(lost, constraint).ask, 1, log)).rejects.toBe(constraint);
  const once = inTurn<number>(refused, 1);
  await expect(repeatInsert(once.ask, 1, log)).rejects.toBe(refused);
  expect(once.count()).toBe(1);
});

it('does not take the refusal of a question for one of the insert', async () => {
  expect(await readBack(inTurn(true).ask, 1, log)).toBe(true);
  const error = await readBack(inTurn<boolean>(refused).ask, 1, log).catch((e: unknown) => e);
  expect(classifyFailure(error)).toBe('unknown');
});
