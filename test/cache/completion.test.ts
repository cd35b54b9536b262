import { createMessageBatch } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, inject, it } from 'vitest';
import { MESSAGE_VERSION, type TaskMessage } from '../../src/domain/task.ts';
import { getServices } from '../../src/wiring/services.ts';
import { aTask, OWNER, rowOf, store } from '../support/rows.ts';

const redis = inject('redis');

/** The Worker's services as they are with Upstash set up at that address. */
const withUpstash = (url: string, token: string) =>
  getServices({ ...env, UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } as Env);

const run = async (services: ReturnType<typeof withUpstash>) => {
  const task = aTask();
  await store(task);
  const message = {
    id: '0',
    timestamp: new Date(),
    attempts: 1,
    body: { v: MESSAGE_VERSION, owner: OWNER, ids: [task.id] } satisfies TaskMessage,
  };
  await services.consumer.consume(
    createMessageBatch<TaskMessage>('tasker-default-medium', [message]).messages,
  );
  return rowOf(task.id);
};

it.skipIf(redis === null)('an output is in Upstash as soon as its task is final', async () => {
  const services = withUpstash(redis?.url ?? '', redis?.token ?? '');
  const row = await run(services);
  expect(row.status).toBe('COMPLETED');
  expect(await services.cache.get(OWNER, row.id)).toEqual(row);
});

it.each(['hangs', 'drops', 'html'])(
  'a task ends as ever with a cache that is down: %s',
  async (fault) => {
    const row = await run(withUpstash(`${inject('faultyCache')}/${fault}`, 't'));
    expect(row).toMatchObject({ status: 'COMPLETED', attempt: 1 });
  },
);
