/** The words everyone uses. A `Task` is a row as stored: times are integer milliseconds, JSON columns are text. */

export const STATUSES = [
  'NEW',
  'PENDING',
  'IN_PROGRESS',
  'PAUSED',
  'COMPLETED',
  'FAILED',
  'CANCELLED',
] as const;
export type Status = (typeof STATUSES)[number];

export const FINAL_STATUSES = ['COMPLETED', 'FAILED', 'CANCELLED'] as const satisfies Status[];

export const PRIORITIES = ['HIGH', 'MEDIUM', 'LOW'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** A type that may take longer than a few seconds of waiting belongs in `external`. */
export type Lane = 'default' | 'external';

/** Why an attempt went wrong. `code` is a stable word; `message` is for people, at most 2 KB. */
export interface TaskError {
  code: string;
  message: string;
}

/** One line of a task's history, in the order in which attempts ended. */
export interface Attempt {
  attempt: number;
  started_at: number | null;
  ended_at: number;
  outcome: 'completed' | 'failed' | 'retried' | 'rescued' | 'cancelled';
  error: TaskError | null;
}

export interface Task {
  owner: string;
  /** UUIDv7, so that ids sort by the time of submission. */
  id: string;
  type: string;
  /** The other name under which it was submitted, if it was: older clients get it back. */
  alias: string | null;
  /** `<lane>-<priority>`, see routing.ts. */
  queue: string;
  priority: Priority;
  status: Status;
  title: string | null;
  description: string | null;
  /** JSON. */
  params: string;
  /** JSON, set in COMPLETED alone. */
  result: string | null;
  /** JSON list of `Attempt`, oldest first, the newest 100. */
  attempts: string;
  /** How many times the task has been claimed. It only ever grows: it is also the fence. */
  attempt: number;
  max_attempts: number;
  /** The attempts that the task was submitted with; a rerun grants as many again. */
  attempt_budget: number;
  /** Claims whose lease ran out; they do not use up an attempt. */
  rescues: number;
  /** Grows by one at every change that a client can see. */
  version: number;
  /** JSON `{ fraction, note }`. */
  progress: string | null;
  /** JSON list of strings. */
  tags: string;
  timeout_ms: number;
  callback_url: string | null;
  idempotency_key: string | null;
  /** Hash of the submitted body, to tell a replay from a reused key. */
  fingerprint: string | null;
  /** The task whose output this one was answered with, without being run. */
  reused_from: string | null;
  request_id: string | null;
  submitted_at: number;
  scheduled_at: number | null;
  started_at: number | null;
  completed_at: number | null;
  updated_at: number;
  /** When somebody must look at this task again if nothing else happened; the lease while IN_PROGRESS. */
  wake_at: number | null;
  /** JSON list of the sinks that were told of its last failure; null while it has none. */
  failure_sinks: string | null;
  /** Hash of type and parameters, for types whose outputs may be used again. */
  reuse_key: string | null;
}

/** A row without its long parts: enough to send it to its queue and to announce it. */
export type TaskSummaryRow = Omit<Task, 'params' | 'result'>;

/**
 * What a queue message carries: tasks of one owner to look at, never the truth about them. `alone` keeps a once-rescued
 * task away from neighbours.
 */
export interface TaskMessage {
  owner: string;
  ids: string[];
  alone?: true;
}

export interface Submission {
  owner: string;
  id: string;
  type: string;
  alias?: string | null | undefined;
  queue: string;
  priority: Priority;
  params: unknown;
  maxAttempts: number;
  timeoutMs: number;
  title?: string | null | undefined;
  description?: string | null | undefined;
  tags?: string[] | undefined;
  scheduledAt?: number | null | undefined;
  requestId?: string | null | undefined;
  callbackUrl?: string | null | undefined;
  reuseKey?: string | null | undefined;
  idempotencyKey?: string | null | undefined;
  fingerprint?: string | null | undefined;
}

/** An overdue hand-over is looked at again after this long, at first. */
export const RESEND_AFTER_MS = 5_000;

/**
 * The row of a task that was just submitted. One that may run now is born PENDING, with `wake_at` a few seconds ahead:
 * if its message is lost, the sweep sends it again, and the usual case needs no write for the hand-over.
 */
export const buildTask = (submission: Submission, now: number): Task => {
  const scheduledAt = submission.scheduledAt ?? null;
  const due = scheduledAt === null || scheduledAt <= now;
  return {
    owner: submission.owner,
    id: submission.id,
    type: submission.type,
    alias: submission.alias ?? null,
    queue: submission.queue,
    priority: submission.priority,
    status: due ? 'PENDING' : 'NEW',
    // A lone surrogate has no UTF-8: the database would give back something else than the answer to the submit.
    title: submission.title?.toWellFormed() ?? null,
    description: submission.description?.toWellFormed() ?? null,
    params: JSON.stringify(submission.params),
    result: null,
    attempts: '[]',
    attempt: 0,
    max_attempts: submission.maxAttempts,
    attempt_budget: submission.maxAttempts,
    rescues: 0,
    version: 1,
    progress: null,
    tags: JSON.stringify(submission.tags ?? []),
    timeout_ms: submission.timeoutMs,
    callback_url: submission.callbackUrl ?? null,
    idempotency_key: submission.idempotencyKey ?? null,
    fingerprint: submission.fingerprint ?? null,
    reused_from: null,
    request_id: submission.requestId ?? null,
    submitted_at: now,
    scheduled_at: scheduledAt,
    started_at: null,
    completed_at: null,
    updated_at: now,
    wake_at: due ? now + RESEND_AFTER_MS : scheduledAt,
    failure_sinks: null,
    reuse_key: submission.reuseKey ?? null,
  };
};

/** A task that needs no run, because `source` has the output already. Not itself a source: reuse must not prolong an age. */
export const completeFrom = (task: Task, source: Task): Task => ({
  ...task,
  status: 'COMPLETED',
  result: source.result,
  reused_from: source.id,
  reuse_key: null,
  completed_at: task.submitted_at,
  wake_at: null,
});

/** The newest entries of a task's history that are kept. */
export const MAX_ATTEMPTS_KEPT = 100;

/** The history of a claimed task, as JSON, with the attempt that has just ended. */
export const appendAttempt = (
  { attempt, started_at, attempts }: Pick<Task, 'attempt' | 'started_at' | 'attempts'>,
  ended: Pick<Attempt, 'ended_at' | 'outcome' | 'error'>,
): string => {
  const { ended_at, outcome, error } = ended;
  const history = [
    ...(JSON.parse(attempts) as Attempt[]),
    { attempt, started_at, ended_at, outcome, error },
  ];
  return JSON.stringify(history.slice(-MAX_ATTEMPTS_KEPT));
};

/** The attempt that ended in the very write that returned this row, which set `updated_at` too; null when none did. */
export const findEndedAttempt = ({
  status,
  version,
  attempt,
  attempts,
  updated_at,
}: TaskSummaryRow): Attempt | null => {
  if (version === 1 || status === 'IN_PROGRESS') return null;
  const last = (JSON.parse(attempts) as Attempt[]).at(-1);
  return last?.ended_at === updated_at && last.attempt === attempt ? last : null;
};

/** How long an attempt took, ms. */
export const measureDuration = ({ started_at, ended_at }: Attempt): number =>
  Math.max(0, ended_at - (started_at ?? ended_at));

export const isFinal = (status: Status): boolean =>
  (FINAL_STATUSES as readonly Status[]).includes(status);
