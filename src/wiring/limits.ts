import { createAdmission, type AdmissionDeps } from '../engine/admission.ts';
import { createLimitCommands } from '../engine/limit-commands.ts';
import { createLimitSweep } from '../engine/limit-sweep.ts';
import { createUniqueTasks } from '../engine/unique-tasks.ts';
import { createAdmissionStore } from '../store/admission.ts';
import { createLimitStore } from '../store/limits.ts';
import { createUniqueStore } from '../store/unique.ts';
import type { EngineDeps } from './engine-deps.ts';

type LimitsDeps = Pick<EngineDeps, 'db' | 'dispatcher' | 'replace' | 'now' | 'log'> &
  Pick<AdmissionDeps, 'store' | 'taskQueues' | 'publish'>;

/** What decides when a task may begin besides its time, and whether it may be there at all. */
export const createLimits = ({ db, dispatcher, replace, ...deps }: LimitsDeps) => {
  const { now } = deps;
  const { ensureAlarmBy } = dispatcher;
  const admissions = createAdmissionStore(db);
  const real = createAdmission({ ...deps, admissions, ensureAlarmBy });
  const admission = replace?.admission?.(real) ?? real;
  return {
    admission,
    limitSweep: createLimitSweep({ admissions, now }),
    limitCommands: createLimitCommands({ limits: createLimitStore(db), admission, now }),
    uniqueTasks: createUniqueTasks({
      ...deps,
      ensureAlarmBy,
      admission,
      unique: createUniqueStore(db),
    }),
  };
};
