import type { DeliveryKey, DeliverySink } from '../domain/delivery.ts';
import { measureDuration, findEndedAttempt, isFinal, type Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import type { CommittedTask, CommitListener } from '../engine/publisher.ts';

/** Larger than this, params and result stay out of the call; the board reads them for those who watch. UTF-16 units. */
const MAX_BODY_CHARS = 16_384;

const isWhole = (task: CommittedTask): task is Task =>
  task.params !== undefined && task.result !== undefined;

const withoutBody = (task: CommittedTask): CommittedTask => {
  const { params: _, result: __, ...head } = task;
  return head;
};
const sparing = (task: CommittedTask): CommittedTask =>
  isWhole(task) && task.params.length + (task.result?.length ?? 0) > MAX_BODY_CHARS
    ? withoutBody(task)
    : task;

/**
 * Live status, per batch and owner: one call that asks what is watched, and one more with those rows as a text. Mostly
 * nobody watches, and making the text costs more than all else that is told of a task. Who begins to watch in between
 * reads the row itself.
 */
export const createBoardListener = (boards: {
  watched(owner: string): Promise<string[] | null>;
  publish(owner: string, rows: string): Promise<void>;
}): CommitListener => {
  const tellOwner = async (owner: string, rows: readonly CommittedTask[]): Promise<void> => {
    const watched = await boards.watched(owner);
    const named = watched && new Set(watched);
    const told = named ? rows.filter(({ id }) => named.has(id)) : rows;
    if (told.length > 0) await boards.publish(owner, JSON.stringify(told.map(sparing)));
  };
  return {
    name: 'board',
    tell: async (tasks) => {
      const byOwner = Map.groupBy(tasks, ({ owner }) => owner);
      await Promise.all([...byOwner].map(([owner, rows]) => tellOwner(owner, rows)));
    },
  };
};

/** Outputs of final tasks, kept near for those who will ask. */
export const createCacheListener = (parts: {
  setMany(outputs: { task: Task; ttlSeconds: number }[]): Promise<void>;
  ttlSecondsOf(type: string): number;
}): CommitListener => ({
  name: 'cache',
  tell: async (tasks) => {
    const finished = tasks.filter(isWhole).filter(({ status }) => isFinal(status));
    if (finished.length === 0) return;
    await parts.setMany(
      finished.map((task) => ({ task, ttlSeconds: parts.ttlSecondsOf(task.type) })),
    );
  },
});

/** One line for each attempt, once its end is committed. */
export const createLogListener = (log: Logger): CommitListener => ({
  name: 'log',
  tell: (tasks) => {
    for (const task of tasks) {
      const ended = findEndedAttempt(task);
      if (!ended) continue;
      const { id: task_id, type: task_name, owner, attempt, request_id } = task;
      const fields = {
        request_id,
        task_id,
        task_name,
        owner,
        attempt,
        duration_ms: measureDuration(ended),
        reason: ended.error?.code,
      };
      log[ended.outcome === 'failed' ? 'warn' : 'info'](`task_${ended.outcome}`, fields);
    }
  },
});

/** The notifications that this transition owes; the rows themselves are written with it. */
const pendingDeliveries = ({
  owner,
  id,
  version,
  status,
  callback_url,
  failure_sinks,
}: CommittedTask): DeliveryKey[] => {
  if (!isFinal(status)) return [];
  const failure =
    status === 'FAILED' && failure_sinks !== null
      ? (JSON.parse(failure_sinks) as DeliverySink[])
      : [];
  const sinks = callback_url === null ? failure : ['callback' as const, ...failure];
  return sinks.map((sink) => ({ owner, task_id: id, version, sink }));
};

/** Hands what is owed to the delivery queue, so that nobody waits for the sweep. */
export const createDeliveryListener = (
  send: (keys: readonly DeliveryKey[]) => Promise<void>,
): CommitListener => ({
  name: 'deliveries',
  tell: (tasks) => {
    const owed = tasks.flatMap(pendingDeliveries);
    return owed.length > 0 ? send(owed) : undefined;
  },
});
