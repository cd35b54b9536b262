import { createCoalescer } from '../domain/coalescer.ts';
import { describeError } from '../domain/errors.ts';
import { computeLeaseMs } from '../domain/lifecycle.ts';
import type { Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import type { Lease, LeaseStore } from '../store/leases.ts';

/**
 * How often the leases of running tasks are checked: a cancelled task is aborted within about this.
 */
const BEAT_MS = 2_000;
/** Progress is saved at most this often. */
const SAVE_EVERY_MS = 5_000;
/**
 * What has run for longer than this is looked at less often: a run of six hours may ask for ten
 * thousand things. https://developers.cloudflare.com/workflows/reference/limits/
 */
export const SLOW_AFTER_MS = 300_000;
const SLOW_BEAT_MS = 10_000;
const SAVE_SLOWLY_EVERY_MS = 30_000;

export interface HeartbeatDeps {
  leases: Pick<LeaseStore, 'renew' | 'findHeld'>;
  now(): number;
  log: Logger;
}

interface RunningTask {
  lease: Required<Lease>;
  abort: AbortController;
  /** The lease is renewed when half of it has passed. */
  renewAt: number;
  halfLeaseMs: number;
  savedAt: number;
  startedAt: number;
}

/** Thrown into a handler whose task was cancelled, deleted, or taken back by the clock. */
class LeaseLostError extends Error {
  constructor() {
    super('The task was cancelled or taken back');
    this.name = 'AbortError';
  }
}

/**
 * The heartbeat of tasks that run together: one read every few seconds for all of them, and one write when
 * a lease is to be renewed or progress to be saved.
 */
export const startHeartbeat = ({ leases, now, log }: HeartbeatDeps) => {
  const running = new Map<string, RunningTask>();

  const isOld = ({ startedAt }: RunningTask): boolean => now() - startedAt >= SLOW_AFTER_MS;

  const isDue = (task: RunningTask): boolean => {
    const saveEveryMs = isOld(task) ? SAVE_SLOWLY_EVERY_MS : SAVE_EVERY_MS;
    const { progress, checkpoint } = task.lease;
    const isNew = progress !== null || checkpoint !== null;
    const isUnsaved = isNew && now() >= task.savedAt + saveEveryMs;
    return now() >= task.renewAt || isUnsaved;
  };

  const requestBeat = (): void =>
    beats.request([...running.values()].every(isOld) ? SLOW_BEAT_MS : BEAT_MS);

  const abortLost = (tasks: readonly RunningTask[], held: ReadonlySet<string>): void => {
    for (const { lease, abort } of tasks)
      if (!held.has(lease.id)) abort.abort(new LeaseLostError());
  };

  const renewLeases = async (tasks: readonly RunningTask[]): Promise<void> => {
    if (tasks.length === 0) return;
    const at = now();
    const renewed = tasks.map(({ lease }) => lease);
    abortLost(tasks, await leases.renew(renewed, at));
    for (const [i, task] of tasks.entries()) {
      task.renewAt = at + task.halfLeaseMs;
      task.savedAt = at;
      // What was said meanwhile is not saved yet.
      const { progress, checkpoint } = task.lease;
      task.lease = {
        ...task.lease,
        progress: progress === renewed[i]?.progress ? null : progress,
        checkpoint: checkpoint === renewed[i]?.checkpoint ? null : checkpoint,
      };
    }
  };

  const checkLeases = async (tasks: readonly RunningTask[]): Promise<void> => {
    if (tasks.length === 0) return;
    abortLost(tasks, await leases.findHeld(tasks.map(({ lease }) => lease)));
  };

  const beat = async (): Promise<void> => {
    try {
      const due: RunningTask[] = [];
      const others: RunningTask[] = [];
      for (const task of running.values()) (isDue(task) ? due : others).push(task);
      await Promise.all([renewLeases(due), checkLeases(others)]);
    } catch (error) {
      // The lease goes on for a while; the next beat may reach the database.
      log.warn('heartbeat_failed', { tasks: running.size, error: describeError(error) });
    }
    if (running.size > 0) requestBeat();
  };
  const beats = createCoalescer(() => void beat());

  return {
    /** Adds a claimed task; the signal aborts when its lease is lost. */
    add({ owner, id, attempt, timeout_ms }: Task): AbortSignal {
      const abort = new AbortController();
      const halfLeaseMs = computeLeaseMs(timeout_ms) / 2;
      const lease = { owner, id, attempt, progress: null, checkpoint: null };
      const renewAt = now() + halfLeaseMs;
      running.set(id, {
        lease,
        abort,
        renewAt,
        halfLeaseMs,
        savedAt: now(),
        startedAt: now(),
      });
      requestBeat();
      return abort.signal;
    },
    /** The newest progress, to be saved with the next write. */
    report(id: string, progress: { fraction: number; note: string | null }): void {
      const task = running.get(id);
      if (task) task.lease = { ...task.lease, progress: JSON.stringify(progress) };
    },
    /** The newest checkpoint (JSON), likewise. */
    keepCheckpoint(id: string, checkpoint: string): void {
      const task = running.get(id);
      if (task) task.lease = { ...task.lease, checkpoint };
    },
    remove(id: string): void {
      running.delete(id);
      if (running.size === 0) beats.cancel();
    },
  };
};
