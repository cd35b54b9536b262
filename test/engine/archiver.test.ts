import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { createArchiver } from '../../src/engine/archiver.ts';
import { createExports } from '../../src/store/exports.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { getServices } from '../../src/wiring/services.ts';
import { call } from '../support/client.ts';
import { storeKey } from '../support/keys.ts';
import { aTask, OWNER, store } from '../support/rows.ts';

type Row = Record<string, unknown>;
const readRows = async (): Promise<Row[]> =>
  (await env.DB.prepare('SELECT * FROM tasks ORDER BY owner, id').all<Row>()).results;
const restore = async (text: string) => {
  const { key } = await storeKey('ops', ['operator']);
  const headers = { Authorization: `Bearer ${key}` };
  return call('/restore', { method: 'POST', body: text, headers });
};

beforeEach(() => env.DB.prepare('DELETE FROM tasks').run());

describe('the archive', () => {
  const DAY = 86_400_000;
  const { archive, bodies } = getServices(env);
  const prune = createArchiver({
    archive,
    exports: createExports(env.DB),
    bodies,
    store: createTaskStore(env.DB),
  });
  const cutoffs = (at: number) => ({ rules: [], otherwise: at });

  it('has what was pruned, by owner and day, as lines that restore', async () => {
    const at = Date.parse('2026-03-01T12:00:00Z');
    const old = [aTask({}, at - 2 * DAY), aTask({}, at - 2 * DAY), aTask({ owner: 'b' }, at - DAY)];
    await store(...old, aTask());
    for (const [i, { id }] of old.entries())
      await env.DB.prepare(
        `UPDATE tasks SET status = 'FAILED', wake_at = NULL, completed_at = ?1 WHERE id = ?2`,
      )
        .bind(at + (i === 0 ? DAY : 0), id)
        .run();
    const before = (await readRows()).filter(({ status }) => status === 'FAILED');
    expect(await prune(cutoffs(at + 2 * DAY), 100)).toEqual({ pruned: 3, leftovers: [] });
    expect(await readRows()).toHaveLength(1);
    const list = await (await call('/archive')).json<{ files: { path: string }[] }>();
    expect(list.files.map(({ path }) => path.slice(0, 10))).toEqual(['2026-03-01', '2026-03-02']);
    const second = await (await call('/archive?day=2026-03-02')).json<typeof list>();
    expect(second.files).toEqual([list.files[1]]);
    const texts = await Promise.all(
      list.files.map(async ({ path }) => (await call(`/archive/${path}`)).text()),
    );
    expect(await (await restore(texts.join(''))).json()).toEqual({ restored: 2, skipped: 0 });
    const own = before.filter(({ owner }) => owner === OWNER);
    expect((await readRows()).filter(({ status }) => status === 'FAILED')).toEqual(own);
    expect((await call('/archive/2026-03-01/none.ndjson')).status).toBe(404);
    expect((await call('/archive/..%2f/none.ndjson')).status).toBe(404);
  });

  it('keeps a task that was run again while it was archived', async () => {
    const task = aTask({}, 1_000);
    await store(task);
    await env.DB.prepare(
      `UPDATE tasks SET status = 'FAILED', wake_at = NULL, completed_at = 2000`,
    ).run();
    const stores = createTaskStore(env.DB);
    const racing = createArchiver({
      archive: {
        save: async (owner, day, lines) => {
          await archive.save(owner, day, lines);
          await call(`/tasks/${task.id}/retry`, { method: 'POST' });
        },
      },
      exports: createExports(env.DB),
      bodies,
      store: stores,
    });
    expect(await racing(cutoffs(3_000), 100)).toMatchObject({ pruned: 0 });
    expect(await readRows()).toHaveLength(1);
  });
});
