import type { CommittedTask } from './task.ts';
import { describeLimitWait, type LimitWait, type WaitingForLimit } from './limit-wait.ts';
import { FOR_EVER } from './registered-type.ts';
import { isManualQueue, isWorkerQueue } from './routing.ts';
import { isFinal } from './words.ts';

/** Why a task waits. */
export const WAIT_REASONS = [
  'time',
  'retry',
  'queue_paused',
  'type_paused',
  'limit',
  'flow',
  'backlog',
  'worker',
  'person',
  'paused',
] as const;
type WaitReason = (typeof WAIT_REASONS)[number];

/** What a task waits for, as answers have it. */
export interface WaitingFor {
  reason: WaitReason;
  /** In words, for people. */
  message: string;
  /** When it goes on by itself, ISO; null where that is not known. */
  expected_at: string | null;
  /** The queue that it waits for, or that is paused. */
  queue: string | null;
  paused_at: string | null;
  /** The name of the key by which the queue was paused; only operators are told. */
  paused_by: string | null;
  /** Tasks that wait for this queue, 10 000 at most; null where they do not matter. */
  waiting: number | null;
  /** The limit that it waits for. */
  limit: WaitingForLimit | null;
  /** The tasks of its flow that have not ended and that it waits for, 20 at most. */
  nodes: string[] | null;
}

/** How a registered type stands whose task waits. Times are ms. */
export interface TypeWait {
  paused_until: number | null;
  /** When a worker last asked for its tasks; null: none within a day. */
  worker_seen_at: number | null;
}

/** How a queue stands that a task waits for. Times are ms. */
export interface QueueWait {
  paused_at: number | null;
  paused_by: string | null;
  waiting: number;
}

const NOTHING = {
  expected_at: null,
  queue: null,
  paused_at: null,
  paused_by: null,
  waiting: null,
  limit: null,
  nodes: null,
} as const;

/** Nodes that are named. */
const MAX_NAMED = 20;

const iso = (ms: number): string => new Date(ms).toISOString();

/** Whether a task waits for its queue, and not for a time or a person. */
export const waitsForQueue = (
  { status, scheduled_at }: Pick<CommittedTask, 'status' | 'scheduled_at'>,
  now: number,
): boolean => status === 'PENDING' && (scheduled_at ?? 0) <= now;

/**
 * Why a task does not run, and what helps; null when it runs, or has ended.
 * @param queue of a task that waits for its queue
 * @param type of a task of a registered type
 * @param limit of a task that its limit holds
 * @param before of a task of a flow: what it waits for there, and has not ended
 */
export const describeWaiting = (
  task: Pick<
    CommittedTask,
    'status' | 'scheduled_at' | 'attempt' | 'queue' | 'type' | 'limit_key' | 'sub_key'
  >,
  now: number,
  queue: QueueWait | null,
  type: TypeWait | null = null,
  limit: LimitWait | null = null,
  before: readonly string[] | null = null,
): WaitingFor | null => {
  const { status, scheduled_at, attempt } = task;
  if (isFinal(status) || status === 'IN_PROGRESS') return null;
  if (status === 'PAUSED')
    return { ...NOTHING, reason: 'paused', message: 'It is paused: resume it' };
  if (before) {
    const nodes = before.slice(0, MAX_NAMED);
    const more = before.length > MAX_NAMED ? ` and ${before.length - MAX_NAMED} more` : '';
    const message =
      before.length === 0
        ? 'All that it waits for has ended: it begins in a moment'
        : `It waits for ${nodes.join(', ')}${more}`;
    return { ...NOTHING, reason: 'flow', message, nodes };
  }
  if (scheduled_at !== null && scheduled_at > now) {
    const expected_at = iso(scheduled_at);
    if (attempt === 0)
      return {
        ...NOTHING,
        reason: 'time',
        expected_at,
        message: `It is scheduled for ${expected_at}`,
      };
    const message = `Attempt ${attempt} failed; attempt ${attempt + 1} begins at ${expected_at}`;
    return { ...NOTHING, reason: 'retry', expected_at, message };
  }
  if (type && type.paused_until !== null && type.paused_until > now) {
    const expected_at = type.paused_until === FOR_EVER ? null : iso(type.paused_until);
    const until = expected_at === null ? 'until it is resumed' : `until ${expected_at}`;
    return {
      ...NOTHING,
      reason: 'type_paused',
      expected_at,
      message: `Its type is paused ${until}: POST /task-types/${task.type}/resume lets it run`,
    };
  }
  if (limit) return { ...NOTHING, reason: 'limit', ...describeLimitWait(task, limit, now) };
  if (isManualQueue(task.queue))
    return {
      ...NOTHING,
      reason: 'person',
      message: 'It waits for a person: POST /tasks/{id}/complete or /fail ends it',
    };
  if (isWorkerQueue(task.queue)) {
    const seenAt = type?.worker_seen_at ?? null;
    const seen =
      seenAt === null
        ? 'none was seen within a day: start one'
        : `one was last seen at ${iso(seenAt)}`;
    return {
      ...NOTHING,
      reason: 'worker',
      message: `It waits for a worker for ${task.type}; ${seen}`,
    };
  }
  if (queue && queue.paused_at !== null) {
    const by = queue.paused_by === null ? '' : ` by key ${queue.paused_by}`;
    return {
      ...NOTHING,
      reason: 'queue_paused',
      queue: task.queue,
      paused_at: iso(queue.paused_at),
      paused_by: queue.paused_by,
      waiting: queue.waiting,
      message: `Its queue ${task.queue} was paused at ${iso(queue.paused_at)}${by}: an operator resumes it`,
    };
  }
  const waiting = queue?.waiting ?? null;
  const count =
    waiting === null ? '' : `, where ${waiting >= 10_000 ? '10 000 or more' : waiting} wait`;
  return {
    ...NOTHING,
    reason: 'backlog',
    queue: task.queue,
    waiting,
    message: `It waits for its turn in ${task.queue}${count}`,
  };
};
