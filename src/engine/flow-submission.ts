import { hashCanonical } from '../domain/canonical.ts';
import { AppError } from '../domain/errors.ts';
import type { Flow } from '../domain/flow.ts';
import type { FlowRequest } from '../domain/flow-request.ts';
import { guardUnavailable } from '../domain/unavailable.ts';
import type { Task } from '../domain/task.ts';
import type { FlowStore } from '../store/flows.ts';
import type { Acceptance } from './accept-wire.ts';
import { assertNoneRefused } from './assert-stored.ts';
import type { Caller } from './build-submitted.ts';
import type { AcceptedFlow } from './flow-accepter.ts';
import { buildFlow } from './flow-build.ts';
import { repeatAccept } from './repeat.ts';
import { findLimits, type SubmissionDeps } from './submission.ts';

export interface FlowSubmissionDeps extends Omit<
  SubmissionDeps,
  'accept' | 'store' | 'uniqueTasks' | 'directRunner' | 'largeBodies'
> {
  flows: Pick<FlowStore, 'findByKey'>;
  /** The Dispatcher: stores a flow, and answers after the commit. */
  acceptFlow(flow: AcceptedFlow): Promise<Acceptance>;
}

export interface FlowSubmit {
  request: FlowRequest;
  caller: Caller & { keyId?: string | null };
  idempotencyKey: string | null;
  /** Counts runs of metered types against their rate, all or none; throws `rate_limited`. */
  consumeMetered(runs: number): Promise<void>;
}

/** The way of a flow: build, replay, reserve, store. */
export const createFlowSubmission = (deps: FlowSubmissionDeps) => {
  const { catalog, flows, log } = deps;

  const findReplay = async (
    owner: string,
    key: { idempotencyKey: string; fingerprint: string } | null,
  ): Promise<Flow | null> => {
    if (!key) return null;
    const stored = await guardUnavailable(log, () => flows.findByKey(owner, key.idempotencyKey));
    if (!stored || stored.fingerprint === key.fingerprint) return stored;
    throw new AppError(
      'idempotency_key_reused',
      `The Idempotency-Key "${key.idempotencyKey}" was used with another body, for flow ${stored.id}`,
      { members: { flow_id: stored.id } },
    );
  };

  const reserve = async ({ caller, consumeMetered }: FlowSubmit, tasks: readonly Task[]) => {
    const metered = tasks.filter(
      ({ type, for_each }) => for_each === null && catalog.find(caller.owner, type)?.isMetered,
    );
    if (metered.length > 0) await consumeMetered(metered.length);
  };

  return {
    /** Resolves once the flow is committed, or was before; throws an `AppError` otherwise. */
    async submit(submit: FlowSubmit): Promise<{ flow: Flow; tasks: Task[]; replayed: boolean }> {
      const { request, caller, idempotencyKey } = submit;
      const types = Object.values(request.tasks).map(({ type }) => type);
      const loading = catalog.load(caller.owner, types);
      if (loading) await guardUnavailable(log, () => loading);
      const key =
        idempotencyKey === null
          ? null
          : { idempotencyKey, fingerprint: await hashCanonical(request) };
      const built = await buildFlow(request, caller, key, deps);
      const before = await findReplay(caller.owner, key);
      if (before) return { flow: before, tasks: [], replayed: true };
      const limits = findLimits(caller.owner, built.tasks, built.requests, catalog);
      if (limits.length > 0)
        await guardUnavailable(log, () => deps.ensureLimits(caller.owner, limits));
      await reserve(submit, built.tasks);
      const accept = async (): Promise<Acceptance[]> => [await deps.acceptFlow(built)];
      const [answer = 'outcome_unknown'] = await repeatAccept(accept, built.tasks.length, log);
      if (answer === 'duplicate') {
        const first = await findReplay(caller.owner, key);
        if (first) return { flow: first, tasks: [], replayed: true };
      }
      if (answer !== 'accepted')
        assertNoneRefused([answer === 'duplicate' ? 'task_rejected' : answer], [], []);
      return { flow: built.flow, tasks: built.tasks, replayed: false };
    },
  };
};
