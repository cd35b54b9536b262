import { startTimer } from '../domain/timer.ts';
import type { FlowBuilder } from './flow-builder.ts';
import type { AcceptedFlow, FlowDetail, FlowStatus, FlowView, NewFlow } from './flow-types.ts';
import type { SendJson } from './request.ts';
import type { Frame } from './frames.ts';

interface Page {
  flows: FlowView[];
  pagination: { next_cursor: string | null };
}

type Watch = (path: string, options: { signal?: AbortSignal | undefined }) => AsyncGenerator<Frame>;

const flowPath = (id: string, rest = ''): string => `/flows/${encodeURIComponent(id)}${rest}`;

/** Tasks that wait for tasks. */
export const createFlowCalls = (json: SendJson, watch: Watch) => {
  const command =
    (verb: 'cancel' | 'retry') =>
    (id: string): Promise<FlowView> =>
      json(flowPath(id, `/${verb}`), { method: 'POST', isRepeatable: true });
  const calls = {
    /** Submits a flow, as it is or as `flow()` builds it. The same key and body give the same flow. */
    submit: (
      flow: NewFlow | FlowBuilder,
      {
        idempotencyKey = crypto.randomUUID(),
        signal,
      }: { idempotencyKey?: string; signal?: AbortSignal } = {},
    ): Promise<AcceptedFlow> =>
      json('/flows', {
        method: 'POST',
        json: flow,
        headers: { 'Idempotency-Key': idempotencyKey },
        signal,
        isRepeatable: true,
      }),

    /** A flow with its nodes. */
    get: (id: string, signal?: AbortSignal): Promise<FlowDetail> => json(flowPath(id), { signal }),

    /** Newest first. */
    async *list(filters: { status?: FlowStatus; name?: string } = {}): AsyncGenerator<FlowView> {
      const query = new URLSearchParams({ page_size: '100', ...filters });
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: Page = await json(`/flows?${query.toString()}`);
        yield* page.flows;
        cursor = page.pagination.next_cursor;
        if (cursor !== null) query.set('cursor', cursor);
      }
    },

    /** Cancels all that has not ended. */
    cancel: command('cancel'),
    /** Runs again what failed, and goes on from there. */
    retry: command('retry'),
    /** Deletes a flow that has ended, with all of its tasks. */
    delete: (id: string): Promise<void> => json(flowPath(id), { method: 'DELETE' }),

    /** The frames of a flow as they come; ends after the final one. */
    watch: (id: string, { signal }: { signal?: AbortSignal } = {}): AsyncGenerator<Frame> =>
      watch(flowPath(id, '/events'), { signal }),

    /** The flow once it is final. Throws a `TimeoutError` (DOMException) when that takes too long. */
    async wait(
      id: string,
      { timeout, signal }: { timeout?: number; signal?: AbortSignal } = {},
    ): Promise<FlowDetail> {
      const late = new AbortController();
      const stopTimer = startTimer(
        () => late.abort(new DOMException('The flow is not final in time', 'TimeoutError')),
        timeout ?? Infinity,
      );
      const either = AbortSignal.any([late.signal, ...(signal ? [signal] : [])]);
      try {
        const frames = watch(flowPath(id, '/events'), { signal: either });
        while (!(await frames.next()).done);
        return await calls.get(id, either);
      } finally {
        stopTimer();
      }
    },
  };
  return calls;
};
