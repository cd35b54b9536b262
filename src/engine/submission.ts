import { AppError, describeError, type FieldError } from '../domain/errors.ts';
import { refuseFields } from '../domain/field-errors.ts';
import { completeFrom } from '../domain/new-task.ts';
import type { Task } from '../domain/task.ts';
import { guardUnavailable, isOverloaded } from '../domain/unavailable.ts';
import type { Logger } from '../log.ts';
import type { TaskStore } from '../store/tasks.ts';
import type { Acceptance } from './accept-wire.ts';
import { assertNoneRefused, assertSameBodies } from './assert-stored.ts';
import { buildSubmittedTask, type BuildDeps, type Caller } from './build-submitted.ts';
import type { SubmitRequest } from '../domain/submit-request.ts';

/** What became of a submit. `replayed`: it was made before, under the same Idempotency-Key. */
export interface Submitted {
  task: Task;
  replayed: boolean;
}

export interface SubmissionDeps extends BuildDeps {
  store: Pick<TaskStore, 'findByIdempotencyKeys' | 'findReusable'>;
  /** The Dispatcher: writes tasks, and answers after the commit. */
  accept(tasks: Task[]): Promise<Acceptance[]>;
  /** Whether the owner may have this many more unfinished tasks. */
  tryReserve(owner: string, count: number): Promise<boolean>;
  log: Logger;
}

/** A submit of one task or of many. */
export interface Submission {
  requests: readonly SubmitRequest[];
  caller: Caller;
  /** The Idempotency-Key of a request, by its place. */
  findKey(index: number): string | null;
  isBulk: boolean;
  /** Counts runs of metered types against their rate, all or none; throws `rate_limited`. */
  consumeMetered(runs: number): Promise<void>;
}

/** The way of a submit: build, replay, reuse, reserve, store, resolve. */
export const createSubmission = (deps: SubmissionDeps) => {
  const { catalog, store, log } = deps;

  const loadTypes = async ({ caller, requests }: Submission): Promise<void> => {
    const types = requests.map(({ type }) => type);
    const loading = catalog.load(caller.owner, types);
    if (loading) await guardUnavailable(log, () => loading);
  };

  /** The rows of all requests; one refused item refuses all, each named by its index. */
  const build = async (submission: Submission): Promise<Task[]> => {
    const { requests, caller, isBulk } = submission;
    const errors: FieldError[] = [];
    const tasks: Task[] = [];
    await loadTypes(submission);
    for (const [index, request] of requests.entries()) {
      const key = submission.findKey(index);
      try {
        tasks.push(await buildSubmittedTask(request, caller, key, deps));
      } catch (error) {
        if (!isBulk || !(error instanceof AppError) || !error.errors) throw error;
        const prefix = `tasks.${index}.`;
        errors.push(...error.errors.map((each) => ({ ...each, path: `${prefix}${each.path}` })));
      }
    }
    return errors.length > 0 ? refuseFields(errors) : tasks;
  };

  /**
   * The one look-up of keys: the tasks that are stored under them; 422, by index, where another
   * body was sent.
   */
  const findReplays = async (owner: string, tasks: readonly Task[]): Promise<Map<string, Task>> => {
    const keys = tasks.flatMap(({ idempotency_key: key }) => (key === null ? [] : [key]));
    if (keys.length === 0) return new Map();
    const stored = await guardUnavailable(log, () => store.findByIdempotencyKeys(owner, keys));
    assertSameBodies(tasks, stored);
    return stored;
  };

  /**
   * Answers tasks that need no run with the outputs that are there; one read, and none where no
   * type allows it.
   */
  const reuse = async (
    owner: string,
    tasks: readonly Task[],
    requests: readonly SubmitRequest[],
  ): Promise<Task[]> => {
    const findMaxAgeMs = ({ type }: Task): number =>
      (catalog.find(owner, type)?.reuseSeconds ?? 0) * 1_000;
    const keys = tasks.map(({ reuse_key, status }, i) =>
      status === 'PENDING' && (requests[i]?.reuse ?? true) ? reuse_key : null,
    );
    const wanted = new Set(keys.filter((key) => key !== null));
    if (wanted.size === 0) return [...tasks];
    const since = Math.min(...tasks.map((task) => task.submitted_at - findMaxAgeMs(task)));
    const sources = await guardUnavailable(log, () =>
      store.findReusable(owner, [...wanted], since),
    );
    return tasks.map((task, i) => {
      const source = sources.get(keys[i] ?? '');
      const oldest = task.submitted_at - findMaxAgeMs(task);
      return source && (source.completed_at ?? 0) >= oldest ? completeFrom(task, source) : task;
    });
  };

  /**
   * What the operator is billed for is worth a call. A submit that will be refused, or was made
   * before, spends nothing.
   */
  const reserve = async (
    { caller, consumeMetered }: Submission,
    tasks: readonly Task[],
    isStored: (task: Task) => boolean,
  ): Promise<void> => {
    const metered = tasks.filter(
      (task) =>
        task.status !== 'COMPLETED' &&
        !isStored(task) &&
        catalog.find(caller.owner, task.type)?.isMetered,
    );
    if (metered.length === 0) return;
    const isReserved = await deps.tryReserve(caller.owner, metered.length).catch(() => true);
    if (!isReserved) assertNoneRefused(['too_many_unfinished'], metered, []);
    await consumeMetered(metered.length);
  };

  /** Of several, none is stored when one conflicts; a single plain one finds out by trying. */
  const mustLookUp = ({ caller }: Submission, tasks: readonly Task[]): boolean =>
    tasks.length > 1 || tasks.some(({ type }) => catalog.find(caller.owner, type)?.isMetered);

  /**
   * Accepting the same ids again is safe, so a call whose answer was lost is repeated once; not one
   * that an object refused because it has too much to do.
   */
  const storeTasks = async (tasks: Task[]): Promise<Acceptance[]> => {
    for (const isLast of [false, true]) {
      try {
        return await deps.accept(tasks);
      } catch (error) {
        log.warn('accept_failed', { tasks: tasks.length, error: describeError(error) });
        if (isOverloaded(error)) return tasks.map(() => 'overloaded');
        if (isLast) break;
      }
    }
    return tasks.map(() => 'outcome_unknown');
  };

  /** Each task as it is stored, by this submit or by an earlier one; 503 or 429 unless all are. */
  const resolve = async (
    owner: string,
    tasks: readonly Task[],
    answers: readonly Acceptance[],
  ): Promise<Submitted[]> => {
    // A caller who repeats a submit learns of its task, whatever else the owner may not have.
    const mayBeStored = (i: number): boolean =>
      ['duplicate', 'too_many_unfinished', 'too_many_bytes', 'database_full'].includes(
        String(answers[i]),
      );
    const replays = await findReplays(
      owner,
      tasks.filter((_, i) => mayBeStored(i)),
    );
    const findFirst = ({ idempotency_key }: Task): Task | undefined =>
      replays.get(idempotency_key ?? '');
    const refused = answers.filter(
      (answer, i) =>
        answer !== 'accepted' &&
        answer !== 'duplicate' &&
        !(mayBeStored(i) && findFirst(tasks[i] as Task)),
    );
    assertNoneRefused(refused, tasks, answers);
    return tasks.map((task, i) => {
      if (answers[i] === 'accepted') return { task, replayed: false };
      const first = findFirst(task);
      if (first) return { task: first, replayed: true };
      // Deleted between the insert and the look.
      const message = 'The task of this Idempotency-Key was deleted just now; send it again';
      throw new AppError('task_rejected', message);
    });
  };

  return {
    /** Throws what a submit would be refused with, and stores nothing. */
    check: async (submission: Submission): Promise<void> => void (await build(submission)),

    /** Resolves once all tasks are committed, or were before; throws an `AppError` otherwise. */
    async submit(submission: Submission): Promise<Submitted[]> {
      const { caller, requests } = submission;
      const built = await build(submission);
      const replays = mustLookUp(submission, built)
        ? await findReplays(caller.owner, built)
        : new Map<string, Task>();
      const tasks = await reuse(caller.owner, built, requests);
      await reserve(submission, tasks, ({ idempotency_key: key }) => replays.has(key ?? ''));
      return resolve(caller.owner, tasks, await storeTasks(tasks));
    },
  };
};
