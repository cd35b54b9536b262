import { toRequest, type Schedule } from '../domain/schedule.ts';
import { toMomentKey } from '../domain/schedule-key.ts';
import type { Submission } from './submission.ts';

/** Who asks for tasks of a schedule: the clock, or a request. */
export type ScheduledBy = Pick<Submission, 'consumeMetered'> &
  Pick<Submission['caller'], 'requestId' | 'ownHost' | 'taskTypes'>;

/**
 * The submit of a schedule's moments (ms): each has a key of its own, so that its task is made once.
 * @param findKey the keys of tasks that somebody asked for
 */
export const toSubmission = (
  { owner, id, task }: Pick<Schedule, 'owner' | 'id' | 'task'>,
  moments: readonly number[],
  { consumeMetered, ...by }: ScheduledBy,
  findKey = (index: number): string => toMomentKey(id, moments[index] ?? 0),
): Submission => ({
  requests: moments.map((moment) => toRequest(task, moment)),
  caller: { ...by, owner, parentId: id, fields: { type: 'type', params: 'params' } },
  findKey,
  isBulk: moments.length > 1,
  consumeMetered,
});
