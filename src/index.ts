import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import { StatusBoard as Board } from './live/board.ts';
import { Metrics } from './metrics/metrics.ts';
import type { DeliveryKey } from './domain/delivery.ts';
import type { TaskMessage } from './domain/task.ts';
import { Dispatcher as TaskDispatcher } from './engine/dispatcher.ts';
import { toStepConfig, type LongTaskRun } from './engine/long-tasks.ts';
import { app } from './http/app.ts';
import { servicesOf } from './wiring/services.ts';

const DEAD_LETTERS = 'tasker-dead';
const DELIVERIES = 'tasker-deliveries';

export default {
  fetch: app.fetch,

  async queue(batch, env) {
    const { consumer, deliverer, flushCounts } = servicesOf(env);
    // What a queue carries is known by its name alone.
    if (batch.queue === DEAD_LETTERS)
      consumer.handleDeadLetters(batch.messages as Message<TaskMessage>[]);
    else if (batch.queue === DELIVERIES)
      await deliverer.consume(batch.messages as Message<DeliveryKey>[]);
    else await consumer.consume(batch.messages as Message<TaskMessage>[]);
    await flushCounts();
  },

  async scheduled(_controller, env) {
    await servicesOf(env).dispatcher.tickNow();
  },
} satisfies ExportedHandler<Env, TaskMessage | DeliveryKey>;

export class Dispatcher extends TaskDispatcher {
  constructor(state: DurableObjectState, env: Env) {
    super(state, env, servicesOf(env).dispatcherDeps);
  }
}

export class StatusBoard extends Board {
  constructor(state: DurableObjectState, env: Env) {
    super(state, env, servicesOf(env).boardDeps);
  }
}

export { Metrics };

export class LongTask extends WorkflowEntrypoint<Env, LongTaskRun> {
  override run({ payload }: WorkflowEvent<LongTaskRun>, step: WorkflowStep): Promise<void> {
    const { longRunner, flushCounts } = servicesOf(this.env);
    return step.do('run', toStepConfig(payload), async () => {
      await longRunner.run(payload);
      await flushCounts();
    });
  }
}
