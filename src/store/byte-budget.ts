import { AppError } from '../domain/errors.ts';

/** What large texts and files may take up in an isolate at a time: it has 128 MB, and R2's client copies. */
const MAX_HELD_BYTES = 32 * 1_024 * 1_024;
const LOOK_EVERY_MS = 20;
const MAX_WAIT_MS = 30_000;
/** A caller who goes away in the middle leaves its bytes behind; they are free again after this. */
const MAX_HELD_MS = 300_000;

export interface ByteBudgetDeps {
  now(): number;
  wait(ms: number): Promise<void>;
}

/**
 * The memory of an isolate, shared by all that is large. Whoever wants some waits by its own timer: it
 * may not wait for what another request does.
 */
export const createByteBudget = ({ now, wait }: ByteBudgetDeps, maxBytes = MAX_HELD_BYTES) => {
  const held = new Map<symbol, { bytes: number; until: number }>();
  const countHeld = (): number => {
    for (const [key, { until }] of held) if (until < now()) held.delete(key);
    return held.values().reduce((sum, { bytes }) => sum + bytes, 0);
  };
  return {
    /** Resolves with how to give them back; throws `overloaded` when there is no room for long. */
    async take(bytes: number): Promise<() => void> {
      const until = now() + MAX_WAIT_MS;
      const wanted = Math.min(bytes, maxBytes);
      while (countHeld() + wanted > maxBytes) {
        if (now() > until)
          throw new AppError('overloaded', 'Too many large bodies and files are on their way');
        await wait(LOOK_EVERY_MS);
      }
      const key = Symbol('bytes');
      held.set(key, { bytes: wanted, until: now() + MAX_HELD_MS });
      return () => void held.delete(key);
    },
  };
};

export type ByteBudget = ReturnType<typeof createByteBudget>;
