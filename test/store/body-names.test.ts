import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { toStub } from '../../src/domain/body.ts';
import { createBodyNames } from '../../src/store/body-names.ts';
import { aTask, store } from '../support/rows.ts';

it('finds bodies that no row names', async () => {
  const names = createBodyNames(env.DB);
  const task = { ...aTask(), params: toStub({ bytes: 20_000, name: '0-in-params' }) };
  const plain = aTask({ params: { $body: { bytes: 1, name: 'forged' } } });
  await store(task, plain);
  await env.DB.prepare(
    `UPDATE tasks SET status = 'COMPLETED', completed_at = 1, wake_at = NULL, result = ?1 WHERE id = ?2`,
  )
    .bind(toStub({ bytes: 5, name: '1-in-result' }), task.id)
    .run();
  const bodies = [
    { owner: task.owner, id: task.id, name: '0-in-params' },
    { owner: task.owner, id: task.id, name: '1-in-result' },
    { owner: task.owner, id: task.id, name: '2-late' },
    { owner: 'another', id: task.id, name: '0-in-params' },
    { owner: plain.owner, id: plain.id, name: 'forged' },
    { owner: task.owner, id: 'never', name: '0-a' },
  ];
  const orphans = await names.findOrphans(bodies);
  expect(orphans.map(({ name }) => name)).toEqual(['2-late', '0-in-params', 'forged', '0-a']);
  expect(await names.findOrphans([])).toEqual([]);
});
