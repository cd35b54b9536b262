import { tracing } from 'cloudflare:workers';
import type { TraceRun } from '../engine/task-runner.ts';

/**
 * A span for each run, beside those that the platform makes of requests and statements
 * (https://developers.cloudflare.com/workers/observability/traces/). Its name is ours: types may be
 * strangers'. Mostly nobody looks: one invocation is traced, or is not, so the first of its runs tells for
 * all.
 */
export const startTracing = (): TraceRun => {
  let isTraced = true;
  return (task, run) => {
    if (!isTraced) return run();
    return tracing.enterSpan('tasker.run', async (span) => {
      ({ isTraced } = span);
      const outcome = await run();
      if (isTraced)
        span.setAttributes({
          'tasker.task_id': task.id,
          'tasker.type': task.type,
          'tasker.attempt': task.attempt,
          'tasker.waited_ms': Math.max(0, (task.started_at ?? 0) - task.submitted_at),
          'tasker.outcome': outcome.kind,
          'tasker.error': outcome.kind === 'failed' ? outcome.error.code : undefined,
          'tasker.traceparent': task.traceparent ?? undefined,
        });
      return outcome;
    });
  };
};
