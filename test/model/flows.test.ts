import { afterAll, inject, it } from 'vitest';
import { keepsFlows } from './flow-commands.ts';
import { flowMutants } from './flow-mutants.ts';
import { FlowWorld } from './flow-world.ts';
import { assertHolds, huntMutants } from './hunt.ts';

const { runs } = inject('model');

afterAll(() => FlowWorld.leave());

it(
  `flows hold in ${runs} runs of commands and faults`,
  () => assertHolds('model of flows', keepsFlows()),
  3_600_000,
);

/** Where each is caught within two runs. */
const SEEDS: Record<string, number> = {
  'an end that is not followed': 1,
  'a clock that forgets flows': 1,
  'a release that does not wait': 1,
  'a release without values': 1,
  'an end that unblocks twice': 5,
  'a failure that lets others go': 1,
  'an end that the flow does not count': 2,
  'a retry that the flow does not count': 2,
  'a retry that does not count again': 2,
  'a list that ends before its tasks': 1,
  'a delete that leaves tasks': 1,
  'a node that is deleted alone': 1,
  'a status that forgets failures': 1,
};

huntMutants('the model of flows', flowMutants, SEEDS, keepsFlows);
