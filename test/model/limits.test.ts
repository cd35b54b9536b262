import { afterAll, inject, it } from 'vitest';
import { assertHolds, huntMutants } from './hunt.ts';
import { keepsLimits } from './limit-commands.ts';
import { limitMutants } from './limit-mutants.ts';
import { LimitWorld } from './limit-world.ts';

const { runs } = inject('model');

afterAll(() => LimitWorld.leave());

it(
  `limits hold in ${runs} runs of commands and faults`,
  () => assertHolds('model of limits', keepsLimits()),
  3_600_000,
);

/** Where each is caught within two runs. */
const SEEDS: Record<string, number> = {
  'a slot that a rescue keeps': 3,
  'a slot that a retry keeps': 4,
  'an admission outside the statement': 1,
  'an admission that does not count': 90,
  'a limit that is forgotten after a recording': 1,
  'tokens that are not spent': 14,
  'tokens of sub-keys that are not spent': 48,
  'an old pick that is admitted again': 1,
  'a sub-key that is not counted': 6,
  'a clock that forgets limits': 11,
  'a clock that forgets rates and pauses': 14,
  'an insert that goes around its limit': 1,
};

huntMutants('the model of limits', limitMutants, SEEDS, keepsLimits);
