import fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';

/** Most mutants fall within 50 runs; a patient search costs only where one is well hidden. */
const MUTANT_RUNS = 2_000;

/**
 * Tests that a model catches each mutant, by what must hold and not by having broken down.
 * @param seeds where each is caught within two runs; `npm run test:model -- --mutants` searches anew
 */
export const huntMutants = <Mutation, Run>(
  model: string,
  mutants: Record<string, Mutation>,
  seeds: Record<string, number>,
  toProperty: (mutation: Mutation) => fc.IAsyncPropertyWithHooks<Run>,
): void => {
  describe(model, () => {
    it.each(Object.entries(mutants))(
      'catches: %s',
      async (name, mutation) => {
        const seed = inject('model').isLong ? undefined : seeds[name];
        const { failed, numRuns, errorInstance } = await fc.check(toProperty(mutation), {
          numRuns: MUTANT_RUNS,
          endOnFailure: true,
          ...(seed !== undefined && { seed }),
        });
        const found = errorInstance instanceof Error ? errorInstance.message : '';
        console.log(
          `mutant "${name}": ${failed ? `caught in run ${numRuns} (${found.slice(0, 70)}…)` : 'NOT CAUGHT'}`,
        );
        expect(failed, `the model did not notice: ${name}`).toBe(true);
        expect(found).toMatch(/is broken|^L1|CHECK constraint/);
      },
      300_000,
    );
  });
};
