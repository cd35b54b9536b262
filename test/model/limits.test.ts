import fc from 'fast-check';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { keepsLimits } from './limit-commands.ts';
import { limitMutants } from './limit-mutants.ts';
import { LimitWorld } from './limit-world.ts';

const { runs: numRuns, seed, isLong } = inject('model');

afterAll(() => LimitWorld.leave());

it(`limits hold in ${numRuns} runs of commands and faults`, async () => {
  await fc.assert(keepsLimits(), { numRuns, ...(seed !== null && { seed }) });
  console.log(`model of limits: ${numRuns} runs clean`);
  expect(numRuns).toBeGreaterThan(0);
}, 3_600_000);

const MUTANT_RUNS = 2_000;
/** Where each is caught within two runs. */
const SEEDS: Record<string, number> = {};

describe('the model of limits', () => {
  it.each(Object.entries(limitMutants))(
    'catches: %s',
    async (name, mutation) => {
      const known = isLong ? undefined : SEEDS[name];
      const {
        failed,
        numRuns: tried,
        errorInstance,
      } = await fc.check(keepsLimits(mutation), {
        numRuns: MUTANT_RUNS,
        endOnFailure: true,
        ...(known !== undefined && { seed: known }),
      });
      const found = errorInstance instanceof Error ? errorInstance.message : '';
      console.log(
        `mutant "${name}": ${failed ? `caught in run ${tried} (${found.slice(0, 70)}…)` : 'NOT CAUGHT'}`,
      );
      expect(failed, `the model did not notice: ${name}`).toBe(true);
      expect(found).toMatch(/is broken|^L1|CHECK constraint/);
    },
    300_000,
  );
});
