import fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import { keepsPromise } from './schedule-commands.ts';
import { scheduleMutants } from './schedule-mutants.ts';

const { runs: numRuns, seed, isLong } = inject('model');

it(`a schedule keeps its promise in ${numRuns} runs of commands and faults`, async () => {
  await fc.assert(keepsPromise(), { numRuns, ...(seed !== null && { seed }) });
  console.log(`model of schedules: ${numRuns} runs clean`);
  expect(numRuns).toBeGreaterThan(0);
}, 3_600_000);

const MUTANT_RUNS = 2_000;
/** Where each is caught within two runs. */
const SEEDS: Record<string, number> = {
  'a move before the insert': 88,
  'a move that is not guarded': 3,
  'a key without the moment': 1,
  'a move that does not see that the task before has ended': 27,
  'a clock that forgets schedules': 1,
  'a moment that is not noted with its task': 7,
  'an overlap that looks at nothing': 4,
};

describe('the model of schedules', () => {
  it.each(Object.entries(scheduleMutants))(
    'catches: %s',
    async (name, mutation) => {
      const known = isLong ? undefined : SEEDS[name];
      const {
        failed,
        numRuns: tried,
        errorInstance,
      } = await fc.check(keepsPromise(mutation), {
        numRuns: MUTANT_RUNS,
        endOnFailure: true,
        ...(known !== undefined && { seed: known }),
      });
      const found = errorInstance instanceof Error ? errorInstance.message : '';
      console.log(
        `mutant "${name}": ${failed ? `caught in run ${tried} (${found.slice(0, 70)}…)` : 'NOT CAUGHT'}`,
      );
      expect(failed, `the model did not notice: ${name}`).toBe(true);
      expect(found).toMatch(/is broken/);
    },
    300_000,
  );
});
