import type { Publish } from './publisher.ts';
import { describeError } from '../domain/errors.ts';
import { RESEND_AFTER_MS, type Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import { classifyFailure } from '../store/failure.ts';
import { MAX_GROUP_CHARS } from '../store/statements.ts';
import { MAX_INSERT, encodeTask, type TaskStore } from '../store/tasks.ts';
import type { Quota } from './quota.ts';
import type { TaskQueues } from './task-queues.ts';

/**
 * What became of one submitted task. `duplicate`: a task with its idempotency key is there already.
 * `database_unavailable` wrote nothing; `outcome_unknown` may have.
 */
export type Acceptance =
  | 'accepted'
  | 'duplicate'
  | 'too_many_unfinished'
  | 'overloaded'
  | 'task_rejected'
  | 'database_unavailable'
  | 'outcome_unknown';

/** Tasks that may wait for a group; beyond it callers are asked to come back. */
const MAX_WAITING = 5_000;

/** After a group of this size the next one waits for more, for what a group costs hardly grows with its size: … */
const BUSY_GROUP = 4;
/** … for so many turns of the event loop in which none came, … */
const IDLE_TURNS = 4;
/** … and so long at most. */
const GATHER_MS = 5;
/** While groups follow each other, what is stored is handed over after this at most, or when it is so much. */
const HOLD_MS = 25;
const HELD_TASKS = 200;

/** How long a failed write speaks against the service, unless one succeeds. */
const FAILURE_MEMORY_MS = 60_000;

interface Waiting {
  task: Task;
  row: string;
  answer(acceptance: Acceptance): void;
}

/** Why a row is not there although the statement succeeded. */
const refusalOf = ({ idempotency_key }: Task): Acceptance =>
  idempotency_key === null ? 'task_rejected' : 'duplicate';

/** When the clock must look at a new task: one that is final already may owe its callback. */
const wakeOf = ({ wake_at, callback_url, submitted_at }: Task): number =>
  wake_at ?? (callback_url === null ? Infinity : submitted_at + RESEND_AFTER_MS);

export interface AccepterDeps {
  store: Pick<TaskStore, 'insertMany' | 'getMany'>;
  taskQueues: Pick<TaskQueues, 'enqueue'>;
  publish: Publish;
  /** Makes sure that the clock strikes by then; awaited before any row is due. */
  ensureAlarmBy(at: number): Promise<void>;
  /** Whether the owners may have so many tasks more. */
  quota: Pick<Quota, 'take'>;
  now(): number;
  /** Resolves after so many ms. */
  wait(ms: number): Promise<void>;
  log: Logger;
}

/**
 * Group commit: all accepts that are waiting, from all requests, are written with one statement, and each caller is
 * answered after the commit.
 */
export const createAccepter = ({
  store,
  taskQueues,
  publish,
  ensureAlarmBy,
  quota,
  now,
  wait,
  log,
}: AccepterDeps) => {
  const waiting: Waiting[] = [];
  let isDraining = false;
  /** When the last group could not be written, unless one was since; ms, or null. */
  let failedAt: number | null = null;
  let lastSize = 1;

  const takeGroup = (): Waiting[] => {
    let chars = 0;
    let size = 0;
    for (const { row } of waiting) {
      chars += row.length;
      if (size === MAX_INSERT || (size > 0 && chars > MAX_GROUP_CHARS)) break;
      size += 1;
    }
    return waiting.splice(0, size);
  };

  /** Which of the group are in the table. */
  const existing = async (group: readonly Waiting[]): Promise<Set<string>> =>
    new Set((await store.getMany(group.map(({ task }) => task))).map(({ id }) => id));

  /** Inserts, once more if the answer is lost; when some were there already, reads back which exist. */
  const insert = async (group: readonly Waiting[]): Promise<Set<string>> => {
    const rows = group.map(({ row }) => row);
    const inserted = await store.insertMany(rows).catch(async (error: unknown) => {
      if (classifyFailure(error) !== 'unknown') throw error;
      log.warn('insert_repeated', { tasks: group.length, error: describeError(error) });
      // Whatever the second failure says, the first may hide a commit; but what the schema refuses it refused then too.
      return store.insertMany(rows).catch((second: unknown) => {
        throw classifyFailure(second) === 'constraint' ? second : error;
      });
    });
    return inserted.size === group.length ? inserted : existing(group);
  };

  /** One bad row must not fail its neighbours: the group is halved until the culprit stands alone. */
  const commit = async (group: readonly Waiting[]): Promise<Task[]> => {
    try {
      const stored = await insert(group);
      failedAt = null;
      for (const { task, answer } of group)
        answer(stored.has(task.id) ? 'accepted' : refusalOf(task));
      return group.map(({ task }) => task).filter(({ id }) => stored.has(id));
    } catch (error) {
      const failure = classifyFailure(error);
      if (failure === 'constraint' && group.length > 1) {
        const half = Math.ceil(group.length / 2);
        return [...(await commit(group.slice(0, half))), ...(await commit(group.slice(half)))];
      }
      if (failure !== 'constraint') failedAt = now();
      log.error('insert_failed', { tasks: group.length, failure, error: describeError(error) });
      const answers = {
        constraint: 'task_rejected',
        refused: 'database_unavailable',
        unknown: 'outcome_unknown',
      } as const;
      // What is there was accepted; what is not may still come, so nobody is told that it was not stored.
      const found =
        failure === 'unknown'
          ? await existing(group).catch(() => new Set<string>())
          : new Set<string>();
      for (const { task, answer } of group)
        answer(found.has(task.id) ? 'accepted' : answers[failure]);
      return group.map(({ task }) => task).filter(({ id }) => found.has(id));
    }
  };

  /** Waits for more, as long as more keep coming. */
  const gather = async (): Promise<void> => {
    const startedAt = now();
    for (
      let idle = 0;
      idle < IDLE_TURNS && waiting.length < MAX_INSERT && now() - startedAt < GATHER_MS;
    ) {
      const seen = waiting.length;
      await wait(0);
      idle = waiting.length > seen ? 0 : idle + 1;
    }
  };

  /** Writes the next group; returns what is to be handed over of it. */
  const storeGroup = async (): Promise<Task[]> => {
    const group = takeGroup();
    lastSize = group.length;
    try {
      await ensureAlarmBy(Math.min(...group.map(({ task }) => wakeOf(task))));
    } catch (error) {
      log.error('alarm_failed', { error: describeError(error) });
      for (const { answer } of group) answer('database_unavailable');
      return [];
    }
    const stored = await commit(group);
    void publish(stored);
    return stored.filter(({ status }) => status === 'PENDING');
  };

  const drain = async (): Promise<void> => {
    isDraining = true;
    let held: Task[] = [];
    let heldSince = 0;
    while (waiting.length > 0 || held.length > 0) {
      const isBusy = lastSize >= BUSY_GROUP;
      if (isBusy) await gather();
      const isOver = waiting.length === 0;
      if (held.length === 0) heldSince = now();
      if (!isOver) held.push(...(await storeGroup()));
      // Many at once make few messages, and few batches for the consumers. Awaited before the next group, though no
      // caller waits for it: otherwise consumers starve.
      if (isBusy && !isOver && held.length < HELD_TASKS && now() - heldSince < HOLD_MS) continue;
      await taskQueues.enqueue(held);
      held = [];
    }
    isDraining = false;
  };

  return {
    /** False for a while after the database would not take a group: a read may work when a write does not. */
    isAccepting: (): boolean => failedAt === null || now() - failedAt > FAILURE_MEMORY_MS,

    /** Resolves once it is known, task by task, what became of them. Repeating it with the same ids is safe. */
    async accept(tasks: readonly Task[], rows = tasks.map(encodeTask)): Promise<Acceptance[]> {
      // Who cannot be counted is let in: the database will have its say.
      const mayHave = await quota.take(tasks).catch(() => true);
      if (!mayHave) return tasks.map(() => 'too_many_unfinished');
      if (waiting.length + tasks.length > MAX_WAITING) return tasks.map(() => 'overloaded');
      const answers = tasks.map(
        (task, i) =>
          new Promise<Acceptance>(
            (answer) => void waiting.push({ task, row: rows[i] ?? encodeTask(task), answer }),
          ),
      );
      if (!isDraining) void drain();
      return Promise.all(answers);
    },
  };
};
