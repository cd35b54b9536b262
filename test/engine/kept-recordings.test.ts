import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { OwnerMoving } from '../../src/engine/elsewhere.ts';
import { createKeptRecordings } from '../../src/engine/kept-recordings.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { breakDatabase } from '../support/database.ts';
import { keepLog, keepPublished, noLimits } from '../support/deps.ts';
import { aTask, rowOf, store } from '../support/rows.ts';

afterEach(() => vi.restoreAllMocks());

/** A storage that only remembers (a stand-in). */
const remember = () => {
  const entries = new Map<string, string>();
  return {
    entries,
    storage: {
      put: async (more: Record<string, string>) => {
        for (const [key, text] of Object.entries(more)) entries.set(key, text);
      },
      list: async ({ limit = Infinity, startAfter = '' }) => {
        const sorted = [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
        return new Map(sorted.filter(([key]) => key > startAfter).slice(0, limit));
      },
      delete: async (keys: string[]) => {
        for (const key of keys) entries.delete(key);
      },
    } as unknown as DurableObjectStorage,
  };
};

const setup = async (count: number) => {
  const real = createTransitions(env.DB);
  const moving = new Set<string>();
  const transitions = {
    ...real,
    async writeRecordings(kept: readonly string[]) {
      if (kept.some((text) => moving.has(text))) throw new OwnerMoving();
      await real.writeRecordings(kept);
    },
  };
  const tasks = Array.from({ length: count }, () => aTask());
  await store(...tasks);
  const claimed = await transitions.claim(tasks, Date.now(), false);
  const recordings = claimed.map((task) => ({
    task,
    verdict: { transition: 'complete', result: '{"n":1}' } as const,
  }));
  const { entries, storage } = remember();
  const { publish, published } = keepPublished();
  const { log, events } = keepLog();
  const { admission } = noLimits;
  const deps = { storage, transitions, store: createTaskStore(env.DB), publish, admission, log };
  const kept = createKeptRecordings(deps);
  const texts = transitions.encodeRecordings(recordings, Date.now());
  return {
    kept,
    texts,
    moving,
    claimed,
    entries,
    published,
    events,
    again: () => createKeptRecordings(deps),
  };
};

it('writes what it keeps once the database answers, and tells of it then', async () => {
  const { kept, texts, claimed, entries, published } = await setup(3);
  await kept.keep(texts);
  const broken = breakDatabase('tasks.record', 'before');
  await expect(kept.flush()).rejects.toThrow(/connection lost/);
  broken.mend();
  expect([entries.size, kept.hasAny(), published]).toEqual([3, true, []]);
  await kept.flush();
  expect([entries.size, kept.hasAny()]).toEqual([0, false]);
  expect(new Set(published.map(({ id }) => id))).toEqual(new Set(claimed.map(({ id }) => id)));
  for (const { id } of claimed) expect(await rowOf(id)).toMatchObject({ status: 'COMPLETED' });
});

it('finds what was kept before it died, also when it died after the commit', async () => {
  const { kept, texts, claimed, again, published } = await setup(200);
  await kept.keep(texts);
  const broken = breakDatabase('tasks.record', 'after', { times: 1 });
  await expect(kept.flush()).rejects.toThrow(/connection lost/);
  broken.mend();
  await again().flush();
  expect(published).toHaveLength(200);
  expect(await rowOf(claimed[0]?.id ?? '')).toMatchObject({ status: 'COMPLETED', version: 3 });
});

it('does not let one that the schema refuses hold up the rest', async () => {
  const { kept, texts, claimed, entries, events } = await setup(3);
  const bad = `v1 ${JSON.stringify([claimed[0]?.owner, claimed[0]?.id, 1, 'NO SUCH STATUS'])}`;
  await kept.keep([bad, ...texts.slice(1)]);
  await kept.flush();
  expect([entries.size, events().includes('recording_refused')]).toEqual([0, true]);
  expect(await rowOf(claimed[0]?.id ?? '')).toMatchObject({ status: 'IN_PROGRESS' });
  expect(await rowOf(claimed[2]?.id ?? '')).toMatchObject({ status: 'COMPLETED' });
});

it('does not let an owner on the move hold up those behind it', async () => {
  const { kept, texts, entries, moving } = await setup(300);
  await kept.keep(texts);
  for (const text of [...entries.values()].slice(0, 1)) moving.add(text);
  expect(await kept.flush()).toBe(true);
  // Those that lie together are written together: the group of the one that moves stays.
  expect(entries.size).toBeLessThanOrEqual(128);
  moving.clear();
  expect([await kept.flush(), entries.size, kept.hasAny()]).toEqual([false, 0, false]);
});

it('writes what comes while it writes', async () => {
  const { kept, texts, entries } = await setup(2);
  await kept.keep(texts.slice(0, 1));
  const flushing = kept.flush();
  await kept.keep(texts.slice(1));
  await flushing;
  expect(kept.hasAny()).toBe(entries.size > 0);
});
