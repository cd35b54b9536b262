import { describeError } from '../domain/errors.ts';
import { isOverloaded } from '../domain/unavailable.ts';
import type { Logger } from '../log.ts';
import { classifyFailure } from '../store/failure.ts';
import { isStored, type Acceptance } from './accept-wire.ts';

// What is stored under ids may be stored again under the same ids. So whatever loses its answer is done
// once more; but what refuses the second time says nothing of the first.

/** Whether an answer tells of what is in the table. */
const isFound = (answer: Acceptance): boolean =>
  isStored(answer) || answer === 'duplicate' || answer === 'task_rejected';

/**
 * Asks the Dispatcher to accept so many tasks, once more if its answer is lost; not when the object has
 * too much to do. Never rejects.
 */
export const repeatAccept = async (
  accept: () => Promise<Acceptance[]>,
  tasks: number,
  log: Logger,
): Promise<Acceptance[]> => {
  const answerAll = (answer: Acceptance): Acceptance[] =>
    Array.from({ length: tasks }, () => answer);
  for (const isLast of [false, true]) {
    try {
      const answers = await accept();
      return isLast
        ? answers.map((answer) => (isFound(answer) ? answer : 'outcome_unknown'))
        : answers;
    } catch (error) {
      log.warn('accept_failed', { tasks, error: describeError(error) });
      if (!isLast && isOverloaded(error)) return answerAll('overloaded');
    }
  }
  return answerAll('outcome_unknown');
};

/** Inserts so many tasks, once more if the answer is lost. Rejects as the database does. */
export const repeatInsert = async <Inserted>(
  insert: () => Promise<Inserted>,
  tasks: number,
  log: Logger,
): Promise<Inserted> =>
  insert().catch(async (error: unknown) => {
    if (classifyFailure(error) !== 'unknown') throw error;
    log.warn('insert_repeated', { tasks, error: describeError(error) });
    // Whatever the second failure says, the first may hide a commit; but what the schema refuses it
    // refused then too.
    return insert().catch((second: unknown) => {
      throw classifyFailure(second) === 'constraint' ? second : error;
    });
  });

/** Asks what an insert has left. Should the database refuse that, it has not refused the insert. */
export const readBack = async <Found>(
  read: () => Promise<Found>,
  tasks: number,
  log: Logger,
): Promise<Found> =>
  read().catch((error: unknown) => {
    log.warn('insert_not_read_back', { tasks, error: describeError(error) });
    throw new Error('It is not known what is stored');
  });
