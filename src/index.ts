import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import { StatusBoard as Board } from './announce/board.ts';
import { Meter } from './announce/meter.ts';
import type { DeliveryKey } from './domain/delivery.ts';
import type { Hint } from './domain/task.ts';
import { Dispatcher as TaskDispatcher } from './engine/dispatcher.ts';
import { longStep, type LongRun } from './engine/long.ts';
import { app } from './http/app.ts';
import { servicesOf } from './services.ts';

const DEAD_LETTERS = 'tasker-dead';
const DELIVERIES = 'tasker-deliveries';

export default {
  fetch: app.fetch,

  async queue(batch, env) {
    const { consumer, deliverer, flushCounts } = servicesOf(env);
    // What a queue carries is known by its name alone.
    if (batch.queue === DEAD_LETTERS) consumer.bury(batch.messages as Message<Hint>[]);
    else if (batch.queue === DELIVERIES)
      await deliverer.consume(batch.messages as Message<DeliveryKey>[]);
    else await consumer.consume(batch.messages as Message<Hint>[]);
    await flushCounts();
  },

  async scheduled(_controller, env) {
    await servicesOf(env).dispatcher.poke();
  },
} satisfies ExportedHandler<Env, Hint | DeliveryKey>;

export class Dispatcher extends TaskDispatcher {
  constructor(state: DurableObjectState, env: Env) {
    super(state, env, servicesOf(env).dispatcherParts);
  }
}

export class StatusBoard extends Board {
  constructor(state: DurableObjectState, env: Env) {
    super(state, env, servicesOf(env).boardParts);
  }
}

export { Meter };

export class LongTask extends WorkflowEntrypoint<Env, LongRun> {
  override run({ payload }: WorkflowEvent<LongRun>, step: WorkflowStep): Promise<void> {
    const { longRunner, flushCounts } = servicesOf(this.env);
    return step.do('run', longStep(payload), async () => {
      await longRunner.run(payload);
      await flushCounts();
    });
  }
}
