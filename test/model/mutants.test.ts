import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mutants } from './mutants.ts';
import { sound } from './sound.ts';

/** Most mutants fall within 50 runs; a patient search costs only where one is well hidden. */
const MUTANT_RUNS = 2_000;

describe('the model', () => {
  it.each(Object.entries(mutants))(
    'catches: %s',
    async (name, mutation) => {
      const { failed, numRuns, errorInstance } = await fc.check(sound(mutation), {
        numRuns: MUTANT_RUNS,
        endOnFailure: true,
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
