import fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import { mutants } from './mutants.ts';
import { sound } from './sound.ts';

/** Most mutants fall within 50 runs; a patient search costs only where one is well hidden. */
const MUTANT_RUNS = 2_000;

/** Where each is caught within two runs. `npm run test:model -- --mutants` searches anew. */
const SEEDS: Record<string, number> = {
  'no fence on attempt': 11,
  'attempt reset by a retry': 130,
  'sweep that reads and then writes by id': 1,
  'ack before commit': 1,
  'insert without ON CONFLICT': 3,
  'cancel that does not fence': 19,
  'finish that overrides a cancel': 1,
  'alarm set after the insert': 4,
  'claim that takes an expired lease without counting a rescue': 17,
  'parking that forgets': 7,
  'a clock that forgets deliveries': 1,
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
