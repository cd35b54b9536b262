import type { AdmissionStore, LimitKey } from '../store/admission.ts';
import type { NextWake } from '../store/due.ts';

/** Limits that one sweep admits under. */
const MAX_KEYS = 200;
/** All that hold tasks are looked at this often, for an end whose admission was lost. */
const LOOK_EVERY_MS = 5_000;

export interface LimitSweepDeps {
  admissions: Pick<AdmissionStore, 'findDue' | 'findWaiting'>;
  now(): number;
}

const BEGINNING: LimitKey = { owner: '', key: '' };

/** Which limits the clock admits under: those that are due, and now and then all that hold tasks. */
export const createLimitSweep = ({ admissions, now }: LimitSweepDeps) => {
  let lookAt = -Infinity;
  let after = BEGINNING;

  /** Some of those that hold tasks, the next time the others. */
  const lookAtSome = async (): Promise<LimitKey[]> => {
    const found = await admissions.findWaiting(after, MAX_KEYS);
    const isRound = found.length < MAX_KEYS;
    after = isRound ? BEGINNING : (found.at(-1) ?? BEGINNING);
    if (isRound) lookAt = now() + LOOK_EVERY_MS;
    return found;
  };

  return {
    async findKeys({
      limitAt,
      hasLimited,
    }: Pick<NextWake, 'limitAt' | 'hasLimited'>): Promise<{ keys: LimitKey[]; hasMore: boolean }> {
      const isDue = limitAt !== null && limitAt <= now();
      const due = isDue ? await admissions.findDue(now(), MAX_KEYS) : [];
      // A clock that was put back is no reason to wait.
      const mayLook = hasLimited && (now() >= lookAt || now() < lookAt - LOOK_EVERY_MS);
      const some = mayLook ? await lookAtSome() : [];
      return { keys: [...due, ...some], hasMore: some.length === MAX_KEYS };
    },
  };
};

export type LimitSweep = ReturnType<typeof createLimitSweep>;
