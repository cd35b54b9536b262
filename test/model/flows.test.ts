import fc from 'fast-check';
import { afterAll, expect, inject, it } from 'vitest';
import { keepsFlows } from './flow-commands.ts';
import { flowMutants } from './flow-mutants.ts';
import { FlowWorld } from './flow-world.ts';
import { huntMutants } from './hunt.ts';

const { runs: numRuns, seed } = inject('model');

afterAll(() => FlowWorld.leave());

it(`flows hold in ${numRuns} runs of commands and faults`, async () => {
  await fc.assert(keepsFlows(), { numRuns, ...(seed !== null && { seed }) });
  console.log(`model of flows: ${numRuns} runs clean`);
  expect(numRuns).toBeGreaterThan(0);
}, 3_600_000);

/** Where each is caught within two runs. */
const SEEDS: Record<string, number> = {};

huntMutants('the model of flows', flowMutants, SEEDS, keepsFlows);
