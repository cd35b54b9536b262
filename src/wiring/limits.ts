import { createAdmission, type AdmissionDeps } from '../engine/admission.ts';
import { createLimitCommands } from '../engine/limit-commands.ts';
import { createLimitSweep } from '../engine/limit-sweep.ts';
import { createPublisher } from '../engine/publisher.ts';
import { createAdmissionStore } from '../store/admission.ts';
import { createLimitStore } from '../store/limits.ts';
import type { EngineDeps } from './engine-deps.ts';

type LimitsDeps = Pick<EngineDeps, 'db' | 'dispatcher' | 'replace' | 'listeners' | 'now' | 'log'> &
  Pick<AdmissionDeps, 'store' | 'taskQueues'>;

/** What decides when a task may begin besides its time. */
export const createLimits = ({ db, dispatcher, replace, ...deps }: LimitsDeps) => {
  const { now } = deps;
  const { ensureAlarmBy } = dispatcher;
  const admissions = createAdmissionStore(db);
  // A task that is let go keeps its status, so boards count the same: only workers are told.
  const boards = deps.listeners.filter(({ name }) => name === 'board');
  const tellWorkers = createPublisher({ listeners: boards, log: deps.log });
  const real = createAdmission({ ...deps, admissions, ensureAlarmBy, tellWorkers });
  const admission = replace?.admission?.(real) ?? real;
  return {
    admissions,
    admission,
    limitSweep: createLimitSweep({ admissions, now }),
    limitCommands: createLimitCommands({ limits: createLimitStore(db), admission, now }),
  };
};
