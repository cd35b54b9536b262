import { MAX_RESULT_BYTES } from '../domain/body.ts';
import type { LargeBodies } from '../engine/large-bodies.ts';
import type { OutsideRuns } from '../store/outside-runs.ts';
import type { ReleaseStore } from '../store/releases.ts';
import type { TaskSearch } from '../store/search.ts';
import type { TaskStore } from '../store/tasks.ts';
import type { Transitions } from '../store/transitions.ts';

type LoadMany = LargeBodies['loadMany'];

// Stores whose rows have their texts, wherever these lie: up to what an answer may carry.

const loadOne = async <Row extends Parameters<LoadMany>[0][number]>(
  loadMany: LoadMany,
  row: Row | null,
): Promise<Row | null> => row && ((await loadMany([row]))[0] ?? null);

const loadMap = async <Row extends Parameters<LoadMany>[0][number]>(
  loadMany: LoadMany,
  rows: ReadonlyMap<string, Row>,
): Promise<Map<string, Row>> => {
  const whole = await loadMany([...rows.values()]);
  return new Map([...rows.keys()].map((key, i) => [key, whole[i] as Row]));
};

export const loadTaskStore = (store: TaskStore, loadMany: LoadMany): TaskStore => ({
  ...store,
  get: async (owner, id) => loadOne(loadMany, await store.get(owner, id)),
  getMany: async (keys) => loadMany(await store.getMany(keys)),
  edit: async (...given) => loadOne(loadMany, await store.edit(...given)),
  findByIdempotencyKeys: async (...given) =>
    loadMap(loadMany, await store.findByIdempotencyKeys(...given)),
  findReusable: async (...given) => loadMap(loadMany, await store.findReusable(...given)),
});

export const loadTaskSearch = (search: TaskSearch, loadMany: LoadMany): TaskSearch => ({
  ...search,
  async page(...given) {
    const page = await search.page(...given);
    return { ...page, tasks: await loadMany(page.tasks) };
  },
});

export const loadTransitions = (transitions: Transitions, loadMany: LoadMany): Transitions => ({
  ...transitions,
  async command(...given) {
    const changed = await transitions.command(...given);
    const task = await loadOne(loadMany, changed?.task ?? null);
    return changed && task && { ...changed, task };
  },
});

export const loadOutsideRuns = (runs: OutsideRuns, loadMany: LoadMany): OutsideRuns => ({
  ...runs,
  claimForWorker: async (...given) => loadMany(await runs.claimForWorker(...given)),
  settle: async (...given) => loadOne(loadMany, await runs.settle(...given)),
});

export const loadReleases = (releases: ReleaseStore, loadMany: LoadMany): ReleaseStore => ({
  ...releases,
  async readResults(keys) {
    const results = await releases.readResults(keys);
    const rows = keys.map(({ owner, id }) => ({ owner, id, result: results.get(id) ?? null }));
    // Whoever asks for them counts their bytes.
    const whole = await loadMany(rows, MAX_RESULT_BYTES);
    return new Map(whole.map(({ id, result }) => [id, result]));
  },
});
