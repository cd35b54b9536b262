import { isFinal, type Task } from '../domain/task.ts';
import { withTimeout } from '../domain/timeout.ts';
import type { Logger } from '../log.ts';
import { createBreaker } from './breaker.ts';

/** Where cached outputs are kept. Every function may throw or be slow: `createOutputCache` turns that into a miss. */
export interface CacheBackend {
  readonly name: string;
  /** Whether an entry written by one data centre is found by all. If not, writing on completion helps nobody. */
  readonly shared: boolean;
  get(key: string): Promise<string | null>;
  /** Writes those keys that hold nothing yet. */
  addMany(entries: readonly CacheEntry[]): Promise<void>;
  /** Writes whatever the key holds. */
  put(entries: readonly CacheEntry[]): Promise<void>;
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
  /** Leaves a tombstone of 60 s, so that a slow write cannot bring the deleted output back. */
  delete(keys: readonly { owner: string; id: string }[]): Promise<void>;
  /** False while the breaker keeps a cache that is down from being asked. */
  isUp(): boolean;
}

const TOMBSTONE = 'gone';
const TOMBSTONE_SECONDS = 60;
const TIMEOUT_MS = 300;
/** In UTF-16 units; larger outputs are read from the database. */
const MAX_VALUE_CHARS = 256_000;
const MAX_BATCH_CHARS = 1_000_000;
const LOG_EVERY_MS = 60_000;

// Version 1 of the stored shape: a change of `Task` takes another number.
const keyOf = (owner: string, id: string): string =>
  `tasker:output:1:${encodeURIComponent(owner)}:${id}`;

/** What a cache returns may be anything: only what looks like this very task, finished, is believed. */
const readTask = (text: string, owner: string, id: string): Task | null => {
  const value = JSON.parse(text) as Partial<Task> | null;
  const sound =
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
  return sound ? (value as Task) : null;
};

/** `count` is told of every output that was there, or was not. */
export const createOutputCache = (
  backend: CacheBackend,
  parts: { log: Logger; now: () => number; count: (isHit: boolean) => void },
): OutputCache => {
  const breaker = createBreaker(parts.now);
  let failures = 0;
  let loggedAt = -Infinity;

  const failed = (operation: string, error: unknown): void => {
    failures += 1;
    if (parts.now() - loggedAt < LOG_EVERY_MS) return;
    loggedAt = parts.now();
    // The name alone: Upstash puts the whole command, and so the output, into its messages.
    parts.log.warn('cache_failed', {
      cache: backend.name,
      operation,
      failures,
      error: error instanceof Error ? error.name : typeof error,
    });
  };

  /** Asks the backend unless the breaker is open; whatever goes wrong, the answer is `fallback`. */
  const ask = async <T>(operation: string, work: () => Promise<T>, fallback: T): Promise<T> => {
    if (!breaker.allows()) return fallback;
    try {
      const answer = await withTimeout(TIMEOUT_MS, work());
      breaker.succeeded();
      return answer;
    } catch (error) {
      breaker.failed();
      failed(operation, error);
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
          const text = await backend.get(keyOf(owner, id));
          return text === null || text === TOMBSTONE ? null : readTask(text, owner, id);
        },
        null,
      );
      parts.count(task !== null);
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
          entries.push({ key: keyOf(task.owner, task.id), value, ttlSeconds });
      }
      if (entries.length > 0) await ask('set', () => backend.addMany(entries), undefined);
    },
    delete: async (keys) => {
      const entries = keys.map(({ owner, id }) => ({
        key: keyOf(owner, id),
        value: TOMBSTONE,
        ttlSeconds: TOMBSTONE_SECONDS,
      }));
      if (entries.length > 0) await ask('delete', () => backend.put(entries), undefined);
    },
  };
};
