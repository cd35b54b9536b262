import fc from 'fast-check';
import { expect, inject, it } from 'vitest';
import { sound } from './sound.ts';

const { runs: numRuns, seed } = inject('model');

it(`the engine keeps its promise in ${numRuns} runs of commands and faults`, async () => {
  // A failure prints its seed and path; run it again with `npm run test:model -- --seed=…`.
  await fc.assert(sound(), { numRuns, ...(seed !== null && { seed }) });
  console.log(`model: ${numRuns} runs clean`);
  expect(numRuns).toBeGreaterThan(0);
}, 3_600_000);
