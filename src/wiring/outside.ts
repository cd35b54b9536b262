import { createManual } from '../engine/manual.ts';
import { createWork, type WorkDeps } from '../engine/work.ts';
import type { OutsideRuns } from '../store/outside-runs.ts';
import type { TaskStore } from '../store/tasks.ts';
import type { EngineDeps } from './engine-deps.ts';

type OutsideDeps = Pick<EngineDeps, 'catalog' | 'dispatcher' | 'now' | 'wait' | 'random' | 'log'> &
  Pick<
    WorkDeps,
    'transitions' | 'taskQueues' | 'publish' | 'followUp' | 'fillLeased' | 'keepResult'
  > & {
    store: Pick<TaskStore, 'get' | 'getMany'>;
    outsideRuns: OutsideRuns;
  };

/** Runs outside: by workers, and by people. */
export const createOutside = ({ dispatcher, ...deps }: OutsideDeps) => {
  const { ensureAlarmBy } = dispatcher;
  return {
    work: createWork({ ...deps, ensureAlarmBy }),
    manual: createManual({ ...deps, ensureAlarmBy }),
  };
};
