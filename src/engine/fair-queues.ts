import { describeError } from '../domain/errors.ts';
import { isLightQueue, type QueueName } from '../domain/routing.ts';
import type { Logger } from '../log.ts';
import type { SentTask, SentTaskStore } from '../store/sent-tasks.ts';
import type { QueuedTask, TaskQueues } from './task-queues.ts';

/** Tasks of one owner that may be in a queue at once: what left it in the last second, but … */
const MIN_WINDOW = 100;
const MAX_WINDOW = 1_000;
/** … this, until that is known, of short and light ones. */
const FIRST_WINDOW = 500;
/** While more wait, what has left is asked for this often; while nothing leaves, less and less. */
const LOOK_EVERY_MS = 50;
const MAX_PAUSE_MS = 1_000;
/** What was sent is looked at by one of so many. */
const SAMPLE_OF = 25;
/** Of what was sent, asked for at once: about 400 kB, of the 2 MB of one bound value. */
const MAX_ASKED = 5_000;
/** Without news of it for this long, what was sent counts as gone. */
const FORGET_MS = 30_000;
/** Tasks that wait in memory; what is beyond is left to the clock. */
const MAX_WAITING = 100_000;

export interface FairQueuesDeps {
  taskQueues: Pick<TaskQueues, 'enqueue' | 'metrics'>;
  sentTasks: SentTaskStore;
  now(): number;
  /** Resolves after `ms` milliseconds. */
  wait(ms: number): Promise<void>;
  log: Logger;
}

/** Tasks that were sent together, and one of them to look at. */
interface Sent extends SentTask {
  count: number;
}

/** The tasks of one owner for one queue. */
interface Lane {
  queue: QueueName;
  sent: Sent[];
  waiting: { task: QueuedTask; since: number }[];
  window: number;
  /** How many left the queue, and when it was seen. */
  left: { at: number; count: number }[];
}

const sumOf = (parts: readonly { count: number }[]): number =>
  parts.reduce((sum, { count }) => sum + count, 0);

/**
 * Queues that owners share fairly: beyond a window for each owner, tasks wait here, so that those of
 * another owner are not behind them all. Only in memory: what a crash forgets, the clock finds, and
 * what waits here does not count as lost.
 */
export const createFairQueues = (deps: FairQueuesDeps) => {
  const { taskQueues, sentTasks, now, wait, log } = deps;
  const lanes = new Map<string, Lane>();
  const known = new Set<string>();
  let isLooking = false;

  const getLane = ({ owner, queue }: QueuedTask): Lane => {
    const key = `${queue} ${owner}`;
    const lane = lanes.get(key) ?? {
      queue: queue as QueueName,
      sent: [],
      waiting: [],
      window: isLightQueue(queue) ? FIRST_WINDOW : MIN_WINDOW,
      left: [],
    };
    lanes.set(key, lane);
    return lane;
  };

  const noteSent = ({ sent }: Lane, tasks: readonly QueuedTask[]): void => {
    for (const { owner, id } of tasks) {
      const last = sent.at(-1);
      // The newest of a group stands for it.
      if (last && last.count < SAMPLE_OF)
        Object.assign(last, { id, sentAt: now(), count: last.count + 1 });
      else sent.push({ owner, id, sentAt: now(), count: 1 });
    }
  };

  /** Of what waits, as much as the window has room for. */
  const takeDue = (lane: Lane): QueuedTask[] => {
    const room = Math.max(0, lane.window - sumOf(lane.sent));
    const due = lane.waiting.splice(0, room).map(({ task }) => task);
    for (const { id } of due) known.delete(id);
    noteSent(lane, due);
    return due;
  };

  /** What is too much to remember, the clock finds. */
  const dropLast = ({ waiting }: Lane): void => {
    const excess = Math.min(waiting.length, Math.max(0, known.size - MAX_WAITING));
    for (const { task } of waiting.splice(waiting.length - excess)) known.delete(task.id);
  };

  /** Forgets what has left its queue, and moves the window with it. Returns how many left. */
  const noteLeft = (lane: Lane, claimed: ReadonlySet<string>): number => {
    const isGone = ({ id, sentAt }: Sent): boolean => claimed.has(id) || now() - sentAt > FORGET_MS;
    const gone = sumOf(lane.sent.filter(isGone));
    lane.sent = lane.sent.filter((each) => !isGone(each));
    lane.left = [...lane.left, { at: now(), count: gone }].filter(({ at }) => now() - at < 1_000);
    lane.window = Math.min(MAX_WINDOW, Math.max(MIN_WINDOW, sumOf(lane.left)));
    return gone;
  };

  /** Of what was sent, what has left its queue; what cannot be asked now has no news. */
  const findClaimed = async (busy: readonly Lane[]): Promise<Set<string>> => {
    // Those first whose tasks wait.
    const inOrder = busy.toSorted((a, b) => b.waiting.length - a.waiting.length);
    const asked = inOrder.flatMap(({ sent }) => sent).slice(0, MAX_ASKED);
    try {
      const unclaimed = await sentTasks.findUnclaimed(asked);
      return new Set(asked.map(({ id }) => id).filter((id) => !unclaimed.has(id)));
    } catch (error) {
      log.warn('fair_queues_failed', { error: describeError(error) });
      return new Set();
    }
  };

  /** Sends what there is room for now. Returns how many have left. */
  const look = async (): Promise<number> => {
    const busy = [...lanes.values()].filter(({ sent }) => sent.length > 0);
    const claimed = await findClaimed(busy);
    let left = 0;
    for (const lane of busy) left += noteLeft(lane, claimed);
    for (const [key, { sent, waiting }] of lanes)
      if (sent.length === 0 && waiting.length === 0) lanes.delete(key);
    await taskQueues.enqueue([...lanes.values()].flatMap(takeDue));
    return left;
  };

  /** Whether it must be known what has left. */
  const isCrowded = ({ sent, waiting, window }: Lane): boolean =>
    waiting.length > 0 || sumOf(sent) >= window / 2;

  const lookWhileCrowded = async (): Promise<void> => {
    isLooking = true;
    let pause = LOOK_EVERY_MS;
    while ([...lanes.values()].some(isCrowded)) {
      await wait(pause);
      const left = await look();
      pause = left > 0 ? LOOK_EVERY_MS : Math.min(MAX_PAUSE_MS, pause * 2);
    }
    isLooking = false;
  };

  const countWaiting = (queue: QueueName): number =>
    sumOf(
      [...lanes.values()]
        .filter((lane) => lane.queue === queue)
        .map(({ waiting }) => ({ count: waiting.length })),
    );

  return {
    /** As `TaskQueues` has it; tasks beyond their owner's window are sent when there is room. */
    async enqueue(tasks: readonly QueuedTask[]): Promise<void> {
      const since = now();
      const touched = new Set<Lane>();
      for (const task of tasks) {
        if (known.has(task.id)) continue;
        const lane = getLane(task);
        known.add(task.id);
        lane.waiting.push({ task, since });
        touched.add(lane);
      }
      const due = [...touched].flatMap(takeDue);
      for (const lane of touched) dropLast(lane);
      await taskQueues.enqueue(due);
      if (!isLooking && [...touched].some(isCrowded)) void lookWhileCrowded();
    },

    /** What the queue reports, and what waits here for it. */
    async metrics(queue: QueueName): ReturnType<TaskQueues['metrics']> {
      const reported = await taskQueues.metrics(queue);
      const waiting = countWaiting(queue);
      if (waiting === 0) return reported;
      const since = Math.min(
        ...[...lanes.values()]
          .filter((lane) => lane.queue === queue)
          .flatMap((lane) => lane.waiting[0]?.since ?? []),
      );
      return {
        backlog: reported.backlog + waiting,
        oldestAt: Math.min(reported.oldestAt ?? Infinity, since),
      };
    },
  };
};
