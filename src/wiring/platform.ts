import type { QueueBindings } from '../engine/task-queues.ts';
import type { SendMail } from '../handlers/handler.ts';
import { createLogger } from '../log.ts';
import { readSettings } from '../settings.ts';
import { createReplica } from '../store/replica.ts';
import { timeDatabase } from '../store/timed-database.ts';

const toQueueBindings = (env: Env): QueueBindings => ({
  'default-high': env.QUEUE_DEFAULT_HIGH,
  'default-medium': env.QUEUE_DEFAULT_MEDIUM,
  'default-low': env.QUEUE_DEFAULT_LOW,
  'external-high': env.QUEUE_EXTERNAL_HIGH,
  'external-medium': env.QUEUE_EXTERNAL_MEDIUM,
  'external-low': env.QUEUE_EXTERNAL_LOW,
});

/**
 * What the platform gives: bindings, settings, time, the log. The other wings see the environment
 * only through this.
 */
export const createPlatform = (env: Env) => {
  const settings = readSettings(env);
  const sendMail: SendMail = async (mail) => env.EMAIL.send(mail as EmailMessageBuilder);
  return {
    env,
    settings,
    log: createLogger({
      level: settings.LOG_LEVEL,
      json: settings.LOG_JSON,
      fields: { app: 'tasker', env: settings.APP_ENV },
    }),
    isDevelopment: process.env.NODE_ENV === 'development',
    db: timeDatabase(env.DB),
    replica: timeDatabase(createReplica(env.DB)),
    queues: toQueueBindings(env),
    sendMail,
    fetch: ((input, init) => fetch(input, init)) as typeof fetch,
    now: (): number => Date.now(),
    wait: (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms)),
    random: Math.random,
  };
};

export type Platform = ReturnType<typeof createPlatform>;
