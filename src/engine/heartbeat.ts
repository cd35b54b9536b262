import { describeError } from '../domain/errors.ts';
import { computeLeaseMs } from '../domain/lifecycle.ts';
import type { Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import type { Held, Leases } from '../store/leases.ts';

/** How often running tasks are looked after: a cancelled one notices within about this. */
const TICK_MS = 2_000;
/** Progress is saved at most this often. */
const SAVE_EVERY_MS = 5_000;

export interface WatchDeps {
  leases: Leases;
  now(): number;
  log: Logger;
}

interface HeldTask {
  held: Held;
  abort: AbortController;
  /** The lease is renewed when half of it has passed. */
  renewAt: number;
  halfLeaseMs: number;
  savedAt: number;
}

/** Thrown into a handler whose task is no longer its own: cancelled, deleted, or taken back by the sweep. */
class LeaseLostError extends Error {
  constructor() {
    super('The task was cancelled or taken back');
    this.name = 'AbortError';
  }
}

/** Looks after tasks while they run: one read every 2 s for all of a batch, and one write when something is to be kept. */
export const createHeartbeat = ({ leases, now, log }: WatchDeps) => {
  const running = new Map<string, HeldTask>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const isDue = ({ held, renewAt, savedAt }: HeldTask): boolean =>
    now() >= renewAt || (held.progress !== null && now() >= savedAt + SAVE_EVERY_MS);

  /** Asks for one group and aborts those that are not held any more. */
  const check = async (
    group: HeldTask[],
    ask: (held: Held[]) => Promise<Set<string>>,
  ): Promise<void> => {
    if (group.length === 0) return;
    const held = await ask(group.map((each) => each.held));
    for (const each of group) if (!held.has(each.held.id)) each.abort.abort(new LeaseLostError());
  };

  const keep = async (group: HeldTask[]): Promise<void> => {
    const at = now();
    await check(group, (held) => leases.renew(held, at));
    for (const each of group) {
      each.renewAt = at + each.halfLeaseMs;
      each.savedAt = at;
      each.held = { ...each.held, progress: null };
    }
  };

  const tick = async (): Promise<void> => {
    try {
      const { true: due = [], false: others = [] } = Object.groupBy(
        running.values(),
        (each) => String(isDue(each)) as 'true' | 'false',
      );
      await Promise.all([keep(due), check(others, leases.stillHeld)]);
    } catch (error) {
      // The lease goes on for a while; the next tick may reach the database.
      log.warn('watch_failed', { tasks: running.size, error: describeError(error) });
    }
    timer = running.size > 0 ? setTimeout(() => void tick(), TICK_MS) : undefined;
  };

  return {
    /** Takes a claimed task into care; `signal` aborts when it is no longer ours. */
    add({ owner, id, attempt, timeout_ms }: Task): AbortSignal {
      const abort = new AbortController();
      const halfLeaseMs = computeLeaseMs(timeout_ms) / 2;
      const held = { owner, id, attempt, progress: null };
      running.set(id, { held, abort, renewAt: now() + halfLeaseMs, halfLeaseMs, savedAt: now() });
      timer ??= setTimeout(() => void tick(), TICK_MS);
      return abort.signal;
    },
    /** The newest progress, to be saved with the next write. */
    report(id: string, progress: { fraction: number; note: string | null }): void {
      const watched = running.get(id);
      if (watched) watched.held = { ...watched.held, progress: JSON.stringify(progress) };
    },
    remove(id: string): void {
      running.delete(id);
      if (running.size > 0) return;
      clearTimeout(timer);
      timer = undefined;
    },
  };
};
