import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import type { DeliveryKey } from './domain/delivery.ts';
import type { TaskMessage } from './domain/task.ts';
import { Dispatcher as TaskDispatcher, readShard } from './engine/dispatcher.ts';
import { toStepConfig, type LongTaskRun } from './engine/long-tasks.ts';
import { app } from './http/app.ts';
import { StatusBoard as Board } from './live/board.ts';
import { Figures } from './metrics/figures.ts';
import { Metrics } from './metrics/metrics.ts';
import { createBoardDeps } from './wiring/board-deps.ts';
import { findServices, getAllServices, getServices } from './wiring/services.ts';
import { forEachShard } from './wiring/spread-messages.ts';

// Of any environment: `tasker-<environment>-dead`.
const DEAD_LETTERS = /-dead$/;
const DELIVERIES = /-deliveries$/;

export default {
  fetch: app.fetch,

  async queue(batch, env) {
    // The name of a queue alone says what it carries.
    const { queue, messages } = batch;
    if (DEAD_LETTERS.test(queue))
      return getServices(env).consumer.handleDeadLetters(messages as Message<TaskMessage>[]);
    const isOfDeliveries = DELIVERIES.test(queue);
    await forEachShard(env, messages, async (services, own) => {
      if (isOfDeliveries) await services.deliverer.consume(own as Message<DeliveryKey>[]);
      else await services.consumer.consume(own as Message<TaskMessage>[]);
      await services.metrics.flush();
    });
  },

  async scheduled(_controller, env) {
    // One that does not answer must not keep the others from it.
    await Promise.allSettled(getAllServices(env).map(({ dispatcher }) => dispatcher.tickNow()));
  },
} satisfies ExportedHandler<Env, TaskMessage | DeliveryKey>;

export class Dispatcher extends TaskDispatcher {
  constructor(state: DurableObjectState, env: Env) {
    const shard = readShard(state.id.name, getServices(env).homes.count);
    super(state, env, getServices(env, shard).dispatcherDeps);
  }
}

export class StatusBoard extends Board {
  constructor(state: DurableObjectState, env: Env) {
    super(state, env, createBoardDeps(env));
  }
}

export { Figures, Metrics };

export class LongTask extends WorkflowEntrypoint<Env, LongTaskRun> {
  override run({ payload }: WorkflowEvent<LongTaskRun>, step: WorkflowStep): Promise<void> {
    return step.do('run', toStepConfig(payload), async () => {
      const { longTaskRunner, metrics } = await findServices(this.env, payload.owner);
      await longTaskRunner.run(payload);
      await metrics.flush();
    });
  }
}
