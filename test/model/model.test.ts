import { inject, it } from 'vitest';
import { assertHolds } from './hunt.ts';
import { sound } from './sound.ts';

const { runs } = inject('model');

it(
  `the engine keeps its promise in ${runs} runs of commands and faults`,
  () => assertHolds('model', sound()),
  3_600_000,
);
