import { applyD1Migrations, reset, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, vi } from 'vitest';
import { installInvocations } from '../platform/invocations.ts';
import { installStrictPlatform, strictenStorage } from '../platform/strict.ts';
import { storeKey, USUAL_KEY_ID, usualKey } from './keys.ts';
import { OWNER } from './rows.ts';

installStrictPlatform(installInvocations);

/** Of all shards that this project has. */
const databases = Object.entries(env)
  .filter(([name]) => /^DB(_\d+)?$/.test(name))
  .map(([, database]) => database as D1Database);

/** Messages that wait for longer are delayed; whenever they come, they find no task. */
const DRAIN_MS = 500;

const isDrained = async (): Promise<boolean> => {
  const queues = Object.entries(env).filter(([name]) => /^(QUEUE|DELIVERIES)/.test(name));
  const states = await Promise.all(queues.map(([, queue]) => (queue as Queue).metrics()));
  return states.every(({ backlogCount }) => backlogCount === 0);
};

const isEmpty = async (): Promise<boolean> => {
  const sql = `SELECT count(*) AS n FROM sqlite_master WHERE name = 'keys'`;
  const counts = databases.map((database) => database.prepare(sql).first<number>('n'));
  return (await Promise.all(counts)).every((n) => n === 0);
};

// All files share a runtime: each begins with nothing of the one before.
beforeAll(async () => {
  await vi.waitUntil(isDrained, { timeout: DRAIN_MS, interval: 20 }).catch(() => {});
  // What the file before left running may hold the database open: then it is there as it was.
  await vi.waitUntil(async () => {
    await reset();
    return isEmpty();
  });
  await runInDurableObject(env.DISPATCHER.getByName('dispatcher-0'), (_, { storage }) =>
    strictenStorage(storage),
  );
  for (const database of databases) await applyD1Migrations(database, env.TEST_MIGRATIONS);
  await storeKey(OWNER, ['admin', 'operator'], {}, usualKey, USUAL_KEY_ID);
});
