import fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import { mutants } from './mutants.ts';
import { runs } from './commands.ts';
import { World, type Mutation } from './world.ts';
import '../setup/provided.ts';

/** Most mutants fall within 50 runs; a patient search costs only where one is well hidden. */
const MUTANT_RUNS = 2_000;

/** Any run of commands keeps the invariants, and once the faults stop everything ends. */
const sound = (mutation?: Mutation) =>
  fc.asyncProperty(runs, async (commands) => {
    const world = await World.empty(mutation);
    await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
    await world.quiesce();
    world.crash(true);
  });

describe('the engine', () => {
  const { runs: numRuns, seed } = inject('model');

  it(`keeps its promise in ${numRuns} runs of commands and faults`, async () => {
    // A failure prints its seed and path; run it again with `npm run test:model -- --seed=…`.
    await fc.assert(sound(), { numRuns, ...(seed !== null && { seed }) });
    console.log(`model: ${numRuns} runs clean`);
  }, 3_600_000);
});

describe('the model', () => {
  it.each(Object.entries(mutants))(
    'catches: %s',
    async (name, mutation) => {
      const { failed, numRuns, errorInstance } = await fc.check(sound(mutation), {
        numRuns: MUTANT_RUNS,
        endOnFailure: true,
      });
      const found = errorInstance instanceof Error ? errorInstance.message : '';
      console.log(`mutant "${name}": ${failed ? `caught in run ${numRuns} (${found.slice(0, 70)}…)` : 'NOT CAUGHT'}`);
      expect(failed, `the model did not notice: ${name}`).toBe(true);
      // Caught by what must hold, not by having broken down.
      expect(found).toMatch(/is broken|^L1|CHECK constraint/);
    },
    120_000,
  );
});
