import { MAX_EMBEDDED_BYTES, measureBody } from '../domain/body.ts';
import { AppError } from '../domain/errors.ts';
import type { SubmitRequest } from '../domain/submit-request.ts';
import type { Task } from '../domain/task.ts';
import { guardUnavailable } from '../domain/unavailable.ts';
import type { Logger } from '../log.ts';
import type { TaskStore } from '../store/tasks.ts';
import { isStored, type Acceptance } from './accept-wire.ts';
import { assertNoneRefused, assertSameBodies } from './assert-stored.ts';
import type { LargeBodies } from './large-bodies.ts';
import type { Caller } from './build-submitted.ts';
import { repeatAccept } from './repeat.ts';
import type { UniqueConflict, UniqueTasks } from './unique-tasks.ts';

/** What became of a submit. `replayed`: it was made before, under the same Idempotency-Key. */
export interface Submitted {
  task: Task;
  replayed: boolean;
  /** Another task has its unique key. */
  conflict?: UniqueConflict;
  /** The row after its direct run, which goes on: see `DirectRunner`. */
  ending?: Promise<Task | null>;
}

/** A key that others take and leave at the same time is tried so often. */
const MAX_TRIES = 5;

export interface StoringDeps {
  store: Pick<TaskStore, 'findByIdempotencyKeys'>;
  uniqueTasks: UniqueTasks;
  /** The Dispatcher: writes tasks, and answers after the commit. */
  accept(tasks: Task[], born?: Task | null): Promise<Acceptance[]>;
  largeBodies: Pick<LargeBodies, 'keepSubmitted' | 'drop'>;
  log: Logger;
}

/** Who submits what. */
interface Submitter {
  caller: Pick<Caller, 'owner'>;
  requests: readonly SubmitRequest[];
}

export type FindReplays = (owner: string, tasks: readonly Task[]) => Promise<Map<string, Task>>;

/**
 * The one look-up of keys: the tasks that are stored under them; 422, by index, where another
 * body was sent.
 */
export const createReplayFinder =
  ({ store, log }: Pick<StoringDeps, 'store' | 'log'>): FindReplays =>
  async (owner, tasks) => {
    const keys = tasks.flatMap(({ idempotency_key: key }) => (key === null ? [] : [key]));
    if (keys.length === 0) return new Map();
    const stored = await guardUnavailable(log, () => store.findByIdempotencyKeys(owner, keys));
    assertSameBodies(tasks, stored);
    return stored;
  };

/** Stores the tasks of a submit, and finds out what became of each. */
export const createStoring = (
  deps: Pick<StoringDeps, 'accept' | 'largeBodies' | 'uniqueTasks' | 'log'>,
  findReplays: FindReplays,
) => {
  const { uniqueTasks, largeBodies, log } = deps;

  /** The rows that tasks were stored as. */
  const stored = new WeakMap<Task, Task>();
  /** A task as an answer carries it. */
  const show = (submitted: Submitted): Submitted => {
    const row = stored.get(submitted.task);
    // Where nothing is large they are one.
    const isHuge =
      row !== undefined && row !== submitted.task && measureBody(row.params) > MAX_EMBEDDED_BYTES;
    return isHuge ? { ...submitted, task: row } : submitted;
  };

  /** What is large is there before its row, and goes with a row that was refused. */
  const storeTasks = async (tasks: Task[], born: Task | null = null): Promise<Acceptance[]> => {
    const rows = await largeBodies.keepSubmitted(tasks);
    const answers = await repeatAccept(() => deps.accept(rows, born), rows.length, log);
    for (const [i, task] of tasks.entries()) stored.set(task, rows[i] as Task);
    if (rows !== tasks)
      await largeBodies.drop(
        rows.filter((_, i) => !isStored(answers[i]) && answers[i] !== 'outcome_unknown'),
      );
    return answers;
  };

  /** The task that answers a submit whose unique key another one has, or had just now. */
  const resolveUnique = async (
    task: Task,
    request: SubmitRequest,
    holders: ReadonlyMap<string, Task>,
  ): Promise<Submitted> => {
    let holder = holders.get(task.unique_key ?? '');
    for (let tries = 0; task.unique_key !== null && tries < MAX_TRIES; tries += 1) {
      const found = holder;
      const resolved =
        found && (await guardUnavailable(log, () => uniqueTasks.resolve(found, task, request)));
      if (resolved) return { ...resolved, replayed: false };
      const [answer] = await storeTasks([task]);
      if (answer === 'accepted') return { task, replayed: false };
      if (answer !== 'duplicate') {
        if (found) await guardUnavailable(log, () => uniqueTasks.restore(found));
        assertNoneRefused([answer ?? 'outcome_unknown'], [task], []);
      }
      holder = (await uniqueTasks.find(task.owner, [task])).get(task.unique_key);
    }
    // Deleted, or taken by others, between the insert and the look.
    const message = 'Other tasks take and leave its key just now; send it again';
    throw new AppError('task_rejected', message);
  };

  /** Each task as it is stored, by this submit or by an earlier one; 503 or 429 unless all are. */
  const resolve = async (
    { caller: { owner }, requests }: Submitter,
    tasks: readonly Task[],
    answers: readonly Acceptance[],
    born: Task | null,
  ): Promise<Submitted[]> => {
    // A caller who repeats a submit learns of its task, whatever else the owner may not have.
    const mayBeStored = (i: number): boolean =>
      ['duplicate', 'too_many_unfinished', 'too_many_bytes', 'database_full'].includes(
        String(answers[i]),
      );
    const stopped = tasks.filter((_, i) => mayBeStored(i));
    const replays = await findReplays(owner, stopped);
    const findFirst = ({ idempotency_key }: Task): Task | undefined =>
      replays.get(idempotency_key ?? '');
    const refused = answers.filter(
      (answer, i) =>
        !isStored(answer) &&
        answer !== 'duplicate' &&
        !(mayBeStored(i) && findFirst(tasks[i] as Task)),
    );
    assertNoneRefused(refused, tasks, answers);
    const holders = await guardUnavailable(log, () =>
      uniqueTasks.find(
        owner,
        stopped.filter((task) => !findFirst(task)),
      ),
    );
    const submitted: Submitted[] = [];
    for (const [i, task] of tasks.entries()) {
      const first = findFirst(task);
      if (isStored(answers[i]))
        submitted.push({ task: answers[i] === 'begun' && born ? born : task, replayed: false });
      else if (first) submitted.push({ task: first, replayed: true });
      else submitted.push(await resolveUnique(task, requests[i] as SubmitRequest, holders));
    }
    return submitted;
  };

  /** `born`: the only task, as its direct run makes it. */
  return async (submission: Submitter, tasks: Task[], born: Task | null): Promise<Submitted[]> =>
    (await resolve(submission, tasks, await storeTasks(tasks, born), born)).map(show);
};
