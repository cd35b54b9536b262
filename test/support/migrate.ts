import { applyD1Migrations, reset } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll } from 'vitest';
import { storeKey, usualKey } from './keys.ts';
import { OWNER } from './rows.ts';

beforeAll(async () => {
  await reset();
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
  await storeKey(OWNER, ['admin'], {}, usualKey);
});
