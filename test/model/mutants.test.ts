import fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import { mutants } from './mutants.ts';
import { sound } from './sound.ts';

/** Most mutants fall within 50 runs; a patient search costs only where one is well hidden. */
const MUTANT_RUNS = 2_000;

/** Where each is caught within two runs. `npm run test:model -- --mutants` searches anew. */
const SEEDS: Record<string, number> = {
  'no fence on attempt': 96,
  'attempt reset by a retry': 18,
  'sweep that reads and then writes by id': 1,
  'ack before commit': 63,
  'insert without ON CONFLICT': 34,
  'cancel that does not fence': 56,
  'finish that overrides a cancel': 334,
  'alarm set after the insert': 1,
  'an outcome that is said to be kept, and is not': 10,
  'claim that takes an expired lease without counting a rescue': 43,
  'parking that forgets': 1,
  'an insert that goes around the one place for what is runnable': 1,
  'a rescue that goes around it': 1,
  'a settle that is not fenced': 1,
  'an answer without a token, which says itself what task it is for': 2,
  'a lease that renews after a cancel': 1,
  'a lease that renews past the timeout': 11,
  'a clock that forgets what waits for workers': 20,
  'a clock that forgets deliveries': 2,
};

describe('the model', () => {
  it.each(Object.entries(mutants))(
    'catches: %s',
    async (name, mutation) => {
      const seed = inject('model').isLong ? undefined : SEEDS[name];
      const { failed, numRuns, errorInstance } = await fc.check(sound(mutation), {
        numRuns: MUTANT_RUNS,
        endOnFailure: true,
        ...(seed !== undefined && { seed }),
      });
      const found = errorInstance instanceof Error ? errorInstance.message : '';
      console.log(
        `mutant "${name}": ${failed ? `caught in run ${numRuns} (${found.slice(0, 70)}…)` : 'NOT CAUGHT'}`,
      );
      expect(failed, `the model did not notice: ${name}`).toBe(true);
      // Caught by what must hold, not by having broken down.
      expect(found).toMatch(/is broken|^L1|CHECK constraint/);
    },
    120_000,
  );
});
