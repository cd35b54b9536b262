import type { ChangedTask } from '../domain/task.ts';
import type { LimitAdmission } from './admission.ts';
import type { FlowRelease } from './flow-release.ts';

/** What a change of tasks sets in motion among others. Never throws: the clock finds what is forgotten. */
export type FollowUp = (changed: readonly ChangedTask[]) => Promise<void>;

/** After a commit: limits let others go, and flows what waited for these. */
export const createFollowUp =
  ({
    admission,
    flowRelease,
  }: {
    admission: Pick<LimitAdmission, 'admitAfter'>;
    flowRelease: Pick<FlowRelease, 'releaseAfter'>;
  }): FollowUp =>
  async (changed) => {
    await Promise.all([admission.admitAfter(changed), flowRelease.releaseAfter(changed)]);
  };
