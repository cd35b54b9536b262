import { AppError, describeError, type FieldError } from '../domain/errors.ts';
import { completeFrom, type Task } from '../domain/task.ts';
import type { Acceptance } from '../engine/accepter.ts';
import { findHandler } from '../handlers/catalog.ts';
import type { Services } from '../wiring/services.ts';
import type { AppContext } from './context.ts';
import { buildSubmittedTask, type FieldNames, type SubmitRequest } from './new-task.ts';
import { limitRate } from './rate-limit.ts';
import { asking } from './read-task.ts';
import { bulkItem } from './schemas.ts';
import { fieldErrors, refuse } from './validate.ts';

/** What a submit may be refused with, besides for its body. */
export const SUBMIT_ERRORS = [
  'unknown_type',
  'idempotency_key_reused',
  'callbacks_not_configured',
  'task_rejected',
  'overloaded',
  'too_many_unfinished',
  'outcome_unknown',
  'rate_limited',
] as const;

/** What became of a submit. `replayed`: the same had been submitted before, under the same Idempotency-Key. */
export interface Submitted {
  task: Task;
  replayed: boolean;
}

const REFUSALS: Record<Exclude<Acceptance, 'accepted' | 'duplicate'>, string> = {
  too_many_unfinished: 'Too many tasks of this owner are waiting or running; let some end first',
  overloaded: 'Too many tasks are waiting to be stored; try again in a moment',
  task_rejected: 'The database refused this task',
  database_unavailable: 'The database did not take the task; nothing was stored, try again',
  outcome_unknown:
    'The database did not answer; the task may or may not be stored. Look for it before you send it again',
};

/** Accepting the same ids again is safe, so a call whose answer was lost is repeated once. */
const accept = async ({ dispatcher, log }: Services, tasks: Task[]): Promise<Acceptance[]> => {
  for (const isLast of [false, true]) {
    try {
      return await dispatcher.accept(tasks);
    } catch (error) {
      log.warn('accept_failed', { tasks: tasks.length, error: describeError(error) });
      if (isLast) break;
    }
  }
  return tasks.map(() => 'outcome_unknown');
};

/** 1 to 200 printable characters; null when none was given. */
const idempotencyKey = (c: AppContext): string | null => {
  const key = c.req.header('Idempotency-Key');
  if (key === undefined || /^[!-~](?:[ -~]{0,198}[!-~])?$/.test(key)) return key ?? null;
  const message = 'An Idempotency-Key has 1 to 200 printable ASCII characters';
  return refuse([{ in: 'header', path: 'Idempotency-Key', code: 'invalid_key', message }]);
};

/** The rows of all requests; one refused item refuses all, each named by its index. */
const tasksOf = async (
  c: AppContext,
  requests: readonly SubmitRequest[],
  fields: FieldNames,
  isBulk: boolean,
): Promise<Task[]> => {
  const key = idempotencyKey(c);
  const errors: FieldError[] = [];
  const tasks: Task[] = [];
  for (const [index, request] of requests.entries()) {
    try {
      tasks.push(
        await buildSubmittedTask(
          c,
          request,
          fields,
          key !== null && isBulk ? `${key}#${index}` : key,
        ),
      );
    } catch (error) {
      if (!isBulk || !(error instanceof AppError) || !error.errors) throw error;
      errors.push(
        ...error.errors.map((each) => ({ ...each, path: `tasks.${index}.${each.path}` })),
      );
    }
  }
  return errors.length > 0 ? refuse(errors) : tasks;
};

/** Has tasks that need no run answered with the outputs that are there; one read, and none where no type allows it. */
const answered = async (
  c: AppContext,
  tasks: Task[],
  requests: readonly SubmitRequest[],
): Promise<Task[]> => {
  const secondsOf = ({ type }: Task): number => findHandler(type)?.reuseSeconds ?? 0;
  const mayReuse = tasks.map(
    (task, i) =>
      task.reuse_key !== null && task.status === 'PENDING' && (requests[i]?.reuse ?? true),
  );
  const keys = tasks.flatMap(({ reuse_key }, i) =>
    mayReuse[i] && reuse_key !== null ? [reuse_key] : [],
  );
  if (keys.length === 0) return tasks;
  const oldest = Math.min(...tasks.map((task) => task.submitted_at - secondsOf(task) * 1_000));
  const sources = await asking(c, () =>
    c.get('services').store.reusable(c.get('owner'), [...new Set(keys)], oldest),
  );
  return tasks.map((task, i) => {
    const source = mayReuse[i] ? sources.get(task.reuse_key ?? '') : undefined;
    const isYoung =
      source && (source.completed_at ?? 0) >= task.submitted_at - secondsOf(task) * 1_000;
    return isYoung ? completeFrom(task, source) : task;
  });
};

/** The tasks that are there already under these tasks' keys; 422, each by its index, where it was with another body. */
const replays = async (c: AppContext, tasks: readonly Task[]): Promise<Map<string, Task>> => {
  const keys = tasks.flatMap(({ idempotency_key: key }) => (key === null ? [] : [key]));
  if (keys.length === 0) return new Map();
  const stored = await asking(c, () =>
    c.get('services').store.findByIdempotencyKeys(c.get('owner'), keys),
  );
  const conflicts = tasks.flatMap(({ idempotency_key: key, fingerprint }, index) => {
    const first = stored.get(key ?? '');
    return first && first.fingerprint !== fingerprint ? [{ index, key, first }] : [];
  });
  const [conflict] = conflicts;
  if (!conflict) return stored;
  const message = `The Idempotency-Key "${conflict.key}" was used with another body, for task ${conflict.first.id}`;
  const errors = conflicts.map(({ index, first }) => ({
    in: 'header' as const,
    path: tasks.length > 1 ? `tasks.${index}` : 'Idempotency-Key',
    code: 'idempotency_key_reused',
    message: `Used with another body, for task ${first.id}`,
  }));
  throw new AppError('idempotency_key_reused', message, {
    members: { task_id: conflict.first.id },
    errors,
  });
};

/** Throws the worst that happened to any of the tasks; of several, with how each of them fared. */
const assertAccepted = (acceptances: readonly Acceptance[], tasks: readonly Task[]): void => {
  const refused = acceptances.filter((each) => each !== 'accepted' && each !== 'duplicate');
  const worst = refused.find((each) => each === 'outcome_unknown') ?? refused[0];
  if (worst === undefined) return;
  const fates = tasks.map(({ id }, i) => ({ task_id: id, outcome: acceptances[i] }));
  throw new AppError(worst, REFUSALS[worst], {
    retryAfterSeconds: worst === 'overloaded' ? 1 : 5,
    ...(tasks.length > 1 && { members: { tasks: fates } }),
  });
};

/** Stores tasks and hands them over; 503 unless all of them are committed, or were before. */
const commit = async (c: AppContext, tasks: readonly Task[]): Promise<Submitted[]> => {
  // Of several, none is stored when one conflicts; a single one finds out by trying.
  if (tasks.length > 1) await replays(c, tasks);
  const answers = await accept(c.get('services'), [...tasks]);
  // Who repeats a submit is to learn of its task, whatever else the owner may not have.
  const isRefused = answers.includes('too_many_unfinished');
  const there = isRefused ? await replays(c, tasks) : new Map<string, Task>();
  const acceptances = answers.map((answer, i) =>
    answer === 'too_many_unfinished' && there.has(tasks[i]?.idempotency_key ?? '')
      ? 'duplicate'
      : answer,
  );
  assertAccepted(acceptances, tasks);
  const duplicates = tasks.filter((_, i) => acceptances[i] === 'duplicate');
  const stored = duplicates.length > 0 ? await replays(c, duplicates) : new Map<string, Task>();
  return tasks.map((task, i) => {
    if (acceptances[i] === 'accepted') return { task, replayed: false };
    const first = stored.get(task.idempotency_key ?? '');
    // Deleted between the insert and the look.
    if (!first)
      throw new AppError(
        'task_rejected',
        'The task of this Idempotency-Key was deleted just now; send it again',
      );
    return { task: first, replayed: true };
  });
};

const submitted = async (
  c: AppContext,
  requests: readonly SubmitRequest[],
  fields: FieldNames,
  isBulk: boolean,
): Promise<Submitted[]> => {
  const tasks = await answered(c, await tasksOf(c, requests, fields, isBulk), requests);
  // One by one: what somebody is billed for is worth a call each.
  for (const task of tasks)
    if (findHandler(task.type)?.isMetered && task.status !== 'COMPLETED')
      await limitRate(c, 'metered');
  const all = await commit(c, tasks);
  for (const { task, replayed } of all)
    c.get('log').debug('task_submitted', {
      task_id: task.id,
      task_name: task.type,
      owner: task.owner,
      ...(replayed && { replayed }),
    });
  const [one] = all;
  // The request's own line names what it submitted.
  if (isBulk) c.set('log', c.get('log').with({ tasks: all.length, owner: c.get('owner') }));
  else if (one)
    c.set(
      'log',
      c.get('log').with({
        task_id: one.task.id,
        task_name: one.task.type,
        owner: c.get('owner'),
        ...(one.replayed && { replayed: true }),
      }),
    );
  return all;
};

/** Validates, stores and hands over one task. Resolves once it is committed; throws 422 or 503 otherwise. */
export const submit = async (
  c: AppContext,
  request: SubmitRequest,
  fields: FieldNames = { type: 'type', params: 'params' },
): Promise<Submitted> => {
  const [one] = await submitted(c, [request], fields, false);
  if (!one) throw new AppError('outcome_unknown', REFUSALS.outcome_unknown);
  if (one.replayed) c.header('Idempotent-Replayed', 'true');
  return one;
};

/** An item whose shape is right may still be of no type, or have wrong parameters. */
const itemErrors = (item: unknown, index: number): FieldError[] => {
  const { type, params } = item as { type: string; params?: unknown };
  const handler = findHandler(type);
  if (!handler)
    return [
      {
        in: 'body',
        path: `tasks.${index}.type`,
        code: 'unknown_type',
        message: `No task type "${type}"`,
      },
    ];
  const { error } = handler.params.safeParse(params ?? {});
  return error ? fieldErrors(error, 'body', ['tasks', index, 'params']) : [];
};

/** The same for many: all or, where one is invalid, none. */
export const submitMany = async (
  c: AppContext,
  items: readonly unknown[],
): Promise<Submitted[]> => {
  const parsed = items.map((item) => bulkItem.safeParse(item));
  const requests = parsed.flatMap(({ data }) => (data ? [data] : []));
  // Where one has no right shape, the others are told what is wrong with them too; otherwise they will be anyway.
  if (requests.length < items.length) {
    return refuse(
      parsed.flatMap(({ error }, i) =>
        error ? fieldErrors(error, 'body', ['tasks', i]) : itemErrors(items[i], i),
      ),
    );
  }
  const all = await submitted(c, requests, { type: 'type', params: 'params' }, true);
  if (all.length > 0 && all.every(({ replayed }) => replayed))
    c.header('Idempotent-Replayed', 'true');
  return all;
};
