import { isFinal } from '../domain/words.ts';
import { type Task } from '../domain/task.ts';
import { withTimeout } from '../domain/timeout.ts';
import type { Logger } from '../log.ts';
import { createBreaker } from './breaker.ts';

/**
 * Where cached outputs are kept. Every function may throw or be slow: `createOutputCache` turns
 * that into a miss.
 */
export interface CacheBackend {
  readonly name: string;
  /**
   * Whether an entry written by one data centre is found by all. If not, writing on completion
   * is useless.
   */
  readonly shared: boolean;
  get(key: string): Promise<string | null>;
  /** Writes those keys that hold nothing yet. */
  addMany(entries: readonly CacheEntry[]): Promise<void>;
  /** Makes sure that what these keys hold is not found again, as far as it can. */
  forget(keys: readonly string[]): Promise<void>;
}

export interface CacheEntry {
  key: string;
  value: string;
  ttlSeconds: number;
}

interface CachedOutput {
  task: Task;
  ttlSeconds: number;
}

/** The outputs of final tasks. An accelerator: nothing it does or fails to do changes an answer. */
export interface OutputCache {
  readonly name: string;
  readonly shared: boolean;
  get(owner: string, id: string): Promise<Task | null>;
  setMany(outputs: readonly CachedOutput[]): Promise<void>;
  /** Nobody is to find these outputs again; where a cache cannot, they are gone within 5 s. */
  invalidate(keys: readonly { owner: string; id: string }[]): Promise<void>;
  /** False while the breaker keeps a cache that is down from being asked. */
  isUp(): boolean;
}

const TIMEOUT_MS = 300;
/** In UTF-16 units; larger outputs are read from the database. */
const MAX_VALUE_CHARS = 256_000;
const MAX_BATCH_CHARS = 1_000_000;
const LOG_EVERY_MS = 60_000;

// Version 1 of the stored shape: a change of `Task` takes another number.
const toKey = (owner: string, id: string): string =>
  `tasker:output:1:${encodeURIComponent(owner)}:${id}`;

/**
 * A cache may return anything: only an entry that looks like this very task, finished, is used.
 */
const parseTask = (text: string, owner: string, id: string): Task | null => {
  const value = JSON.parse(text) as Partial<Task> | null;
  const isWhole =
    value?.id === id &&
    value.owner === owner &&
    value.status !== undefined &&
    isFinal(value.status) &&
    [value.params, value.attempts, value.tags, value.type, value.queue].every(
      (field) => typeof field === 'string',
    ) &&
    [value.version, value.submitted_at, value.completed_at].every(
      (field) => typeof field === 'number',
    );
  return isWhole ? (value as Task) : null;
};

/** `countLookup` is called for every look-up, with whether the output was there. */
export const createOutputCache = (
  backend: CacheBackend,
  deps: { log: Logger; now: () => number; countLookup: (isHit: boolean) => void },
): OutputCache => {
  const breaker = createBreaker(deps.now);
  let failures = 0;
  let loggedAt = -Infinity;

  const countFailure = (operation: string, error: unknown): void => {
    failures += 1;
    if (deps.now() - loggedAt < LOG_EVERY_MS) return;
    loggedAt = deps.now();
    // The name alone: Upstash puts the whole command, and so the output, into its messages.
    deps.log.warn('cache_failed', {
      cache: backend.name,
      operation,
      failures,
      error: error instanceof Error ? error.name : typeof error,
    });
  };

  /** Asks the backend unless the breaker is open; whatever goes wrong, the answer is `fallback`. */
  const ask = async <T>(operation: string, work: () => Promise<T>, fallback: T): Promise<T> => {
    if (!breaker.mayTry()) return fallback;
    try {
      const answer = await withTimeout(TIMEOUT_MS, work());
      breaker.countSuccess();
      return answer;
    } catch (error) {
      breaker.countFailure();
      countFailure(operation, error);
      return fallback;
    }
  };

  return {
    name: backend.name,
    shared: backend.shared,
    isUp: () => breaker.isClosed(),
    get: async (owner, id) => {
      const task = await ask(
        'get',
        async () => {
          const text = await backend.get(toKey(owner, id));
          return text === null ? null : parseTask(text, owner, id);
        },
        null,
      );
      deps.countLookup(task !== null);
      return task;
    },
    setMany: async (outputs) => {
      const entries: CacheEntry[] = [];
      let chars = 0;
      for (const { task, ttlSeconds } of outputs) {
        if (ttlSeconds <= 0) continue;
        const value = JSON.stringify(task);
        chars += value.length;
        if (value.length <= MAX_VALUE_CHARS && chars <= MAX_BATCH_CHARS)
          entries.push({ key: toKey(task.owner, task.id), value, ttlSeconds });
      }
      if (entries.length > 0) await ask('set', () => backend.addMany(entries), undefined);
    },
    invalidate: async (keys) => {
      const stored = keys.map(({ owner, id }) => toKey(owner, id));
      if (stored.length > 0) await ask('invalidate', () => backend.forget(stored), undefined);
    },
  };
};
