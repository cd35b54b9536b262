import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createCounts } from '../../src/store/counts.ts';
import { createReplica } from '../../src/store/replica.ts';
import { createTaskSearch } from '../../src/store/search.ts';
import { aTask, store } from '../support/rows.ts';

it('reads figures and pages by sessions that any replica may answer', async () => {
  const owner = 'replicated';
  const own = [aTask({ owner }), aTask({ owner })];
  await store(...own);
  const asked: (string | undefined)[] = [];
  const db = {
    withSession: (constraint: string) => {
      asked.push(constraint);
      return env.DB.withSession(constraint);
    },
  } as unknown as D1Database;
  const replica = createReplica(db);
  expect((await createCounts(replica).countOfOwner(owner)).PENDING).toBe(2);
  const page = await createTaskSearch(replica).page(owner, {}, { limit: 10 });
  expect(page.tasks).toHaveLength(2);
  expect(new Set(asked)).toEqual(new Set(['first-unconstrained']));
});
