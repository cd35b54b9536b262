import { inject, it } from 'vitest';
import { assertHolds, huntMutants } from './hunt.ts';
import { keepsPromise } from './schedule-commands.ts';
import { scheduleMutants } from './schedule-mutants.ts';

const { runs } = inject('model');

it(
  `a schedule keeps its promise in ${runs} runs of commands and faults`,
  () => assertHolds('model of schedules', keepsPromise()),
  3_600_000,
);

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

huntMutants('the model of schedules', scheduleMutants, SEEDS, keepsPromise);
