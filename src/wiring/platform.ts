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

/** The databases: DB, DB_1, DB_2 and so on, each with a Dispatcher of its own. */
const findDatabases = (env: Env): D1Database[] => {
  const named = env as unknown as Record<string, D1Database | undefined>;
  const databases = [env.DB];
  for (let n = 1; named[`DB_${n}`] !== undefined; n += 1)
    databases.push(named[`DB_${n}`] as D1Database);
  return databases;
};
export const countShards = (env: Env): number => findDatabases(env).length;

const findDatabase = (env: Env, shard: number): D1Database => {
  const found = findDatabases(env)[shard];
  if (found) return found;
  throw new Error(`There is no database DB_${shard}: was one taken away?`);
};

/**
 * What the platform gives one shard: bindings, settings, time, the log. The other wings see the environment
 * only through this.
 */
export const createPlatform = (env: Env, shard: number) => {
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
    shard,
    db: timeDatabase(findDatabase(env, shard)),
    replica: timeDatabase(createReplica(findDatabase(env, shard))),
    queues: toQueueBindings(env),
    sendMail,
    fetch: ((input, init) => fetch(input, init)) as typeof fetch,
    now: (): number => Date.now(),
    wait: (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms)),
    random: Math.random,
  };
};

export type Platform = ReturnType<typeof createPlatform>;
