import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { createReuse } from '../../src/engine/reuse-outputs.ts';
import type { Handler } from '../../src/handlers/handler.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { observeDatabase } from '../support/database.ts';
import { keepLog } from '../support/deps.ts';
import { aTask } from '../support/rows.ts';

afterEach(() => vi.restoreAllMocks());

it('asks the database only for types that may be answered so', async () => {
  const { log } = keepLog();
  const store = createTaskStore(env.DB);
  const find = (_: string, type: string) =>
    (type === 'slow' ? { reuseSeconds: 60 } : {}) as unknown as Handler;
  const reuse = createReuse({ catalog: { find }, store, log });
  const observed = observeDatabase();
  const plain = aTask();
  const slow = aTask({ type: 'slow', reuseKey: 'hash' });
  expect(await reuse('local', [plain], [])).toEqual([plain]);
  expect(observed.asked).toHaveLength(0);
  expect(await reuse('local', [slow], [])).toEqual([slow]);
  expect(observed.asked).toHaveLength(1);
  observed.stop();
});
