import { describeError } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import type { HeldReason } from '../domain/words.ts';
import type { Logger } from '../log.ts';
import { classifyFailure } from '../store/failure.ts';
import type { Birth } from '../store/inserts.ts';
import type { TaskStore } from '../store/tasks.ts';
import type { Acceptance, EncodedTask } from './accept-wire.ts';
import { readBack, repeatInsert } from './repeat.ts';

/** A submitted task whose caller waits for an answer. */
export interface WaitingTask extends EncodedTask {
  answer(acceptance: Acceptance): void;
}

export interface GroupCommitDeps {
  store: Pick<TaskStore, 'insertMany' | 'findBirths'>;
  /** Called when the database gave no answer. */
  noteOutage(): void;
  now(): number;
  log: Logger;
}

/** How long a failed write speaks against the service, unless one succeeds. */
const FAILURE_MEMORY_MS = 60_000;

/** What a submit is answered with that the database did not take. */
export const ANSWERS = {
  constraint: 'task_rejected',
  full: 'database_full',
  refused: 'database_unavailable',
  unknown: 'outcome_unknown',
} as const;

/** Why a row is not there although the statement succeeded. */
const explainMissing = ({ idempotency_key, unique_key }: Task): Acceptance =>
  (idempotency_key ?? unique_key) === null ? 'task_rejected' : 'duplicate';

/** Notes what holds a task that is stored, or that its direct run counts. */
const settle = (
  { task, direct }: WaitingTask,
  held: HeldReason | null,
  hasBegun: boolean,
): void => {
  task.held = held;
  if (hasBegun) Object.assign(task, direct);
  // A type's own limit is found by the statement.
  if (held === 'limit') task.limit_key ??= task.type;
};

/** Whether nobody has changed a row since it was born with its direct run. */
const isBornSo = ({ direct }: WaitingTask, { version, started_at }: Birth): boolean =>
  version === direct?.version && started_at === direct.started_at;

/** Writes groups of tasks, one statement each, and answers every caller after the commit. */
export const createGroupCommit = ({ store, noteOutage, now, log }: GroupCommitDeps) => {
  /** When the last group could not be written, unless one was since; ms, or null. */
  let failedAt: number | null = null;

  /**
   * Which of the group are in the table, by id; what is there already takes what holds it from its row.
   */
  const findStored = async (group: readonly WaitingTask[]): Promise<Set<string>> => {
    const births = await store.findBirths(group.map(({ task }) => task));
    for (const each of group) {
      const birth = births.get(each.task.id);
      if (birth) settle(each, birth.held, isBornSo(each, birth));
    }
    return new Set(births.keys());
  };

  /** Inserts; when some were there already, reads back which exist. */
  const insert = async (group: readonly WaitingTask[]): Promise<Set<string>> => {
    const rows = group.flatMap(({ row, direct }) => (direct ? [] : row));
    const direct = group.flatMap((each) => (each.direct ? each.row : []));
    const inserted = await repeatInsert(() => store.insertMany(rows, direct), group.length, log);
    for (const each of group) {
      const held = inserted.get(each.task.id) ?? each.task.held;
      settle(each, held, held === 'lease');
    }
    if (inserted.size === group.length) return new Set(inserted.keys());
    return readBack(() => findStored(group), group.length, log);
  };

  const answerAll = (
    group: readonly WaitingTask[],
    stored: ReadonlySet<string>,
    otherwise: (task: Task) => Acceptance,
  ): Task[] => {
    for (const { task, answer } of group)
      answer(stored.has(task.id) ? (task.attempt > 0 ? 'begun' : 'accepted') : otherwise(task));
    return group.map(({ task }) => task).filter(({ id }) => stored.has(id));
  };

  /**
   * Writes a group and returns what was stored. One bad row must not fail its neighbours: the group
   * is halved until the culprit is by itself.
   */
  const commit = async (group: readonly WaitingTask[]): Promise<Task[]> => {
    try {
      const stored = await insert(group);
      failedAt = null;
      return answerAll(group, stored, explainMissing);
    } catch (error) {
      const failure = classifyFailure(error);
      if (failure === 'constraint' && group.length > 1) {
        const half = Math.ceil(group.length / 2);
        return [...(await commit(group.slice(0, half))), ...(await commit(group.slice(half)))];
      }
      if (failure !== 'constraint') failedAt = now();
      if (failure === 'unknown') noteOutage();
      const fields = { tasks: group.length, failure };
      log.error('insert_failed', { ...fields, error: describeError(error) });
      // Stored rows were accepted; the others may still come, so no caller may hear that it was
      // not stored.
      const found =
        failure === 'unknown'
          ? await findStored(group).catch(() => new Set<string>())
          : new Set<string>();
      return answerAll(group, found, () => ANSWERS[failure]);
    }
  };

  return {
    commit,
    /**
     * False for a while after the database would not take a group: a read may work when a write
     * does not.
     */
    isAccepting: (): boolean => failedAt === null || now() - failedAt > FAILURE_MEMORY_MS,
  };
};
