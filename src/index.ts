import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import type { DeliveryKey } from './domain/delivery.ts';
import type { TaskMessage } from './domain/task.ts';
import { Dispatcher as TaskDispatcher } from './engine/dispatcher.ts';
import { toStepConfig, type LongTaskRun } from './engine/long-tasks.ts';
import { app } from './http/app.ts';
import { StatusBoard as Board } from './live/board.ts';
import { Figures } from './metrics/figures.ts';
import { Metrics } from './metrics/metrics.ts';
import { getServices } from './wiring/services.ts';

// Of any environment: `tasker-<environment>-dead`.
const DEAD_LETTERS = /-dead$/;
const DELIVERIES = /-deliveries$/;

export default {
  fetch: app.fetch,

  async queue(batch, env) {
    const { consumer, deliverer, metrics } = getServices(env);
    // The name of a queue alone says what it carries.
    const { queue, messages } = batch;
    if (DEAD_LETTERS.test(queue)) consumer.handleDeadLetters(messages as Message<TaskMessage>[]);
    else if (DELIVERIES.test(queue)) await deliverer.consume(messages as Message<DeliveryKey>[]);
    else await consumer.consume(messages as Message<TaskMessage>[]);
    await metrics.flush();
  },

  async scheduled(_controller, env) {
    await getServices(env).dispatcher.tickNow();
  },
} satisfies ExportedHandler<Env, TaskMessage | DeliveryKey>;

export class Dispatcher extends TaskDispatcher {
  constructor(state: DurableObjectState, env: Env) {
    super(state, env, getServices(env).dispatcherDeps);
  }
}

export class StatusBoard extends Board {
  constructor(state: DurableObjectState, env: Env) {
    super(state, env, getServices(env).boardDeps);
  }
}

export { Figures, Metrics };

export class LongTask extends WorkflowEntrypoint<Env, LongTaskRun> {
  override run({ payload }: WorkflowEvent<LongTaskRun>, step: WorkflowStep): Promise<void> {
    const { longTaskRunner, metrics } = getServices(this.env);
    return step.do('run', toStepConfig(payload), async () => {
      await longTaskRunner.run(payload);
      await metrics.flush();
    });
  }
}
