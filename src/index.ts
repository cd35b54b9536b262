import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import { StatusBoard as Board } from './announce/board.ts';
import type { Hint } from './domain/task.ts';
import { Dispatcher as TaskDispatcher } from './engine/dispatcher.ts';
import { longStep, type LongRun } from './engine/long.ts';
import { app } from './http/app.ts';
import { servicesOf } from './services.ts';

const DEAD_LETTERS = 'tasker-dead';

export default {
  fetch: app.fetch,

  async queue(batch, env) {
    const { consumer } = servicesOf(env);
    if (batch.queue === DEAD_LETTERS) consumer.bury(batch.messages);
    else await consumer.consume(batch.messages);
  },

  async scheduled(_controller, env) {
    await servicesOf(env).dispatcher.poke();
  },
} satisfies ExportedHandler<Env, Hint>;

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

export class LongTask extends WorkflowEntrypoint<Env, LongRun> {
  override run({ payload }: WorkflowEvent<LongRun>, step: WorkflowStep): Promise<void> {
    return step.do('run', longStep(payload), () => servicesOf(this.env).longRunner.run(payload));
  }
}
