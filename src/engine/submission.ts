import { AppError, type FieldError } from '../domain/errors.ts';
import { refuseFields } from '../domain/field-errors.ts';
import type { ResolvedLimit } from '../domain/limit.ts';
import type { Task } from '../domain/task.ts';
import { guardUnavailable } from '../domain/unavailable.ts';
import type { TaskStore } from '../store/tasks.ts';
import { assertNoneRefused } from './assert-stored.ts';
import type { Catalog } from '../handlers/catalog.ts';
import { buildSubmittedTask, findLimit, type BuildDeps, type Caller } from './build-submitted.ts';
import type { DirectRunner } from './direct-runner.ts';
import type { LimitCommands } from './limit-commands.ts';
import { createReuse } from './reuse-outputs.ts';
import {
  createReplayFinder,
  createStoring,
  type StoringDeps,
  type Submitted,
} from './store-submitted.ts';
import { refuseDuplicate } from './unique-tasks.ts';
import type { SubmitRequest } from '../domain/submit-request.ts';

/**
 * Each that replaces another task is a few calls of its own, and an invocation has a thousand:
 * https://developers.cloudflare.com/workers/platform/limits/#subrequests
 */
const MAX_REPLACING = 100;

const refuseReplacing = (requests: readonly SubmitRequest[]): FieldError[] =>
  requests
    .flatMap(({ unique }, i) => (unique?.on_conflict === 'replace' ? [i] : []))
    .slice(MAX_REPLACING)
    .map((i) => ({
      in: 'body',
      path: `tasks.${i}.unique.on_conflict`,
      code: 'too_big',
      message: `No more than ${MAX_REPLACING} tasks of one call may say \`replace\`: send the rest in another`,
    }));

export interface SubmissionDeps extends BuildDeps, StoringDeps {
  store: Pick<TaskStore, 'findByIdempotencyKeys' | 'findReusable'>;
  directRunner: Pick<DirectRunner, 'begin' | 'run'>;
  /** Makes limits that are not there. */
  ensureLimits: LimitCommands['ensure'];
  /** Whether the owner may have this many more unfinished tasks. */
  tryReserve(owner: string, count: number): Promise<boolean>;
}

/** A submit of one task or of many. */
export interface Submission {
  requests: readonly SubmitRequest[];
  caller: Caller;
  /** The Idempotency-Key of a request, by its place. */
  findKey(index: number): string | null;
  isBulk: boolean;
  /** Somebody waits for the only task: where it can it runs at once. */
  isWaited?: boolean;
  /** Counts runs of metered types against their rate, all or none; throws `rate_limited`. */
  consumeMetered(runs: number): Promise<void>;
}

/** The limits that tasks run under, by the requests for them. */
export const findLimits = (
  owner: string,
  tasks: readonly Task[],
  requests: readonly SubmitRequest[],
  catalog: Catalog,
): ResolvedLimit[] =>
  tasks.flatMap(({ type, limit_key, params }, i) => {
    const handler = limit_key === null ? undefined : catalog.find(owner, type);
    return handler
      ? (findLimit(requests[i] as SubmitRequest, handler, JSON.parse(params)) ?? [])
      : [];
  });

/** The way of a submit: build, replay, reuse, reserve, store, resolve. */
export const createSubmission = (deps: SubmissionDeps) => {
  const { catalog, uniqueTasks, directRunner, log } = deps;
  const reuse = createReuse(deps);
  const findReplays = createReplayFinder(deps);
  const storeAndResolve = createStoring(deps, findReplays);

  const loadTypes = async ({ caller, requests }: Submission): Promise<void> => {
    const types = requests.map(({ type }) => type);
    const loading = catalog.load(caller.owner, types);
    if (loading) await guardUnavailable(log, () => loading);
  };

  /** The rows of all requests; one refused item refuses all, each named by its index. */
  const build = async (submission: Submission): Promise<Task[]> => {
    const { requests, caller, isBulk } = submission;
    const errors = refuseReplacing(requests);
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

  /** Of several, none is stored when one would be refused. */
  const assertNoDuplicates = async (
    { caller: { owner }, requests }: Submission,
    tasks: readonly Task[],
    isStored: (task: Task) => boolean,
  ): Promise<void> => {
    const strict = tasks.filter(
      (task, i) => requests[i]?.unique?.on_conflict === 'refuse' && !isStored(task),
    );
    const keys = strict.map(({ unique_key }) => unique_key);
    const twice = strict.find(({ unique_key }, i) => keys.indexOf(unique_key) < i);
    if (twice) throw refuseDuplicate(strict[keys.indexOf(twice.unique_key)]?.id ?? twice.id);
    const [holder] = (await guardUnavailable(log, () => uniqueTasks.find(owner, strict))).values();
    if (holder) throw refuseDuplicate(holder.id);
  };

  /** Makes the limits that are named and not there. */
  const ensureLimits = async (
    { caller: { owner } }: Submission,
    tasks: readonly Task[],
    requests: readonly SubmitRequest[],
  ): Promise<void> => {
    const limits = findLimits(owner, tasks, requests, catalog);
    if (limits.length > 0) await guardUnavailable(log, () => deps.ensureLimits(owner, limits));
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

  /** Stores them, the only one with its direct run if somebody waits for it. */
  const runDirectly = async (submission: Submission, tasks: Task[]): Promise<Submitted[]> => {
    const [only] = submission.isWaited ? tasks : [];
    const born = only ? await directRunner.begin(only) : null;
    const all = await storeAndResolve(submission, tasks, born);
    return all.map((submitted) =>
      submitted.task === born && born.completed_at === null
        ? { ...submitted, ending: directRunner.run(born) }
        : submitted,
    );
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
      const isStored = ({ idempotency_key: key }: Task): boolean => replays.has(key ?? '');
      if (built.length > 1) await assertNoDuplicates(submission, built, isStored);
      await ensureLimits(submission, built, requests);
      const tasks = await reuse(caller.owner, built, requests);
      await reserve(submission, tasks, isStored);
      return runDirectly(submission, tasks);
    },
  };
};
