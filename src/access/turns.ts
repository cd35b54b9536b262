import { AppError } from '../domain/errors.ts';

/** How often a waiting request looks whether it is its turn. */
const LOOK_EVERY_MS = 20;
/** It gives up after this long, … */
const MAX_WAIT_MS = 5_000;
/** … and does not begin to wait behind so many. */
const MAX_WAITING = 50;

const refuse = (): AppError =>
  new AppError('rate_limited', 'Too many reads of this owner are waiting already');

/**
 * One at a time for each name. A request waits by its own timer: it may not wait for what another
 * one does.
 */
export const createTurns = ({ now, wait }: { now(): number; wait(ms: number): Promise<void> }) => {
  const busy = new Set<string>();
  const waiting = new Map<string, number>();

  const waitForTurn = async (name: string): Promise<void> => {
    const before = waiting.get(name) ?? 0;
    if (before >= MAX_WAITING) throw refuse();
    waiting.set(name, before + 1);
    const until = now() + MAX_WAIT_MS;
    try {
      while (busy.has(name)) {
        if (now() > until) throw refuse();
        await wait(LOOK_EVERY_MS);
      }
    } finally {
      const left = (waiting.get(name) ?? 1) - 1;
      if (left > 0) waiting.set(name, left);
      else waiting.delete(name);
    }
  };

  return {
    /** Does the work once no other of this name is done; throws `rate_limited`. */
    async take<T>(name: string, work: () => Promise<T>): Promise<T> {
      if (busy.has(name)) await waitForTurn(name);
      busy.add(name);
      try {
        return await work();
      } finally {
        busy.delete(name);
      }
    },
  };
};
