import fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';

/** A run takes a second at most: one that takes this long hangs, and fails with its seed. */
const RUN_MS = 20_000;
/** What has not ended by then, the search for the shortest failure too, is told as it stands. */
const LONGEST_MS = 3_000_000;
/** After so many runs the next line of progress is printed. */
const TOLD_RUNS = 500;

/**
 * Asserts that a model holds in as many runs of commands and faults as `--runs` says. A failure prints
 * its seed and path; run it again with `npm run test:model -- --seed=…`.
 */
export const assertHolds = async <Run>(
  model: string,
  property: fc.IAsyncPropertyWithHooks<Run>,
): Promise<void> => {
  const { runs, seed } = inject('model');
  let begun = 0;
  property.beforeEach(() => {
    if (begun > 0 && begun % TOLD_RUNS === 0)
      console.log(`${model}: ${begun} of ${runs} runs clean`);
    begun += 1;
  });
  await fc.assert(property, {
    numRuns: runs,
    timeout: RUN_MS,
    interruptAfterTimeLimit: LONGEST_MS,
    markInterruptAsFailure: true,
    ...(seed !== null && { seed }),
  });
  console.log(`${model}: ${runs} runs clean`);
  expect(begun).toBeGreaterThanOrEqual(runs);
};

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
          timeout: RUN_MS,
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
