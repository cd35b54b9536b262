import { computeFingerprint, maskMessage } from '../domain/error-fingerprint.ts';
import type { TaskFilter } from '../domain/filter.ts';
import type { TaskSearch } from './search.ts';
import { nameStatement } from './statements.ts';

/** Failed tasks that are looked at, newest first, to find out what fails. */
const MAX_FAILED = 2_000;
const MAX_GROUPS = 100;
/** Parts of the time from the first failure to now, for a small chart. */
const TREND_STEPS = 24;

/** Failed tasks of one type that failed alike. Times are ms. */
export interface FailureGroup {
  fingerprint: string;
  type: string;
  code: string | null;
  /** What their messages have in common, see `maskMessage`. */
  message: string | null;
  /** The message of the newest. */
  example: string | null;
  tasks: number;
  first_at: number;
  last_at: number;
  /** The id of the newest. */
  newest: string;
  /** How many failed in each part of the time that was asked for, the newest last. */
  trend: number[];
  /** Muted, and not seen since. */
  muted: boolean;
}

interface FailureRow {
  id: string;
  type: string;
  completed_at: number;
  code: string | null;
  message: string | null;
}

const COLUMNS = [
  'id',
  'type',
  'completed_at',
  `attempts ->> '$[#-1].error.code' AS code`,
  `substr(attempts ->> '$[#-1].error.message', 1, 600) AS message`,
].join(', ');

const LIST_MUTED = nameStatement(
  'errors.list_muted',
  'SELECT fingerprint, muted_at FROM muted_errors WHERE owner = ?1',
);
const MUTE = nameStatement(
  'errors.mute',
  `INSERT INTO muted_errors (owner, fingerprint, muted_at)
VALUES (?1, ?2, ?3)
ON CONFLICT (owner, fingerprint) DO UPDATE SET muted_at = excluded.muted_at`,
);
const UNMUTE = nameStatement(
  'errors.unmute',
  'DELETE FROM muted_errors WHERE owner = ?1 AND fingerprint = ?2',
);

/** What fails, and which of it nobody wants to see. */
export const createFailureStore = (db: D1Database, search: Pick<TaskSearch, 'find'>) => ({
  /** Groups among the newest failed tasks that a filter finds, the most frequent first. */
  async findGroups(owner: string, filter: TaskFilter, now: number): Promise<FailureGroup[]> {
    const failed: TaskFilter = { ...filter, statuses: ['FAILED'] };
    const [{ tasks }, { results: muted }] = await Promise.all([
      search.find<FailureRow>(() => COLUMNS, owner, failed, { limit: MAX_FAILED }),
      db.prepare(LIST_MUTED).bind(owner).all<{ fingerprint: string; muted_at: number }>(),
    ]);
    const mutedAt = new Map(muted.map(({ fingerprint, muted_at }) => [fingerprint, muted_at]));
    const start = Math.min(now, ...tasks.map(({ completed_at }) => completed_at));
    const step = Math.max(1, (now - start) / TREND_STEPS);
    const byKind = new Map<string, { rows: FailureRow[]; masked: string | null }>();
    for (const row of tasks) {
      const masked = row.message === null ? null : maskMessage(row.message);
      const kind = JSON.stringify([row.type, row.code, masked]);
      const group = byKind.get(kind) ?? { rows: [], masked };
      byKind.set(kind, group);
      group.rows.push(row);
    }
    const largest = [...byKind.values()]
      .toSorted((a, b) => b.rows.length - a.rows.length)
      .slice(0, MAX_GROUPS);
    return Promise.all(
      largest.map(async ({ rows, masked }) => {
        const [newest] = rows as [FailureRow];
        const { type, code, message } = newest;
        const fingerprint = await computeFingerprint(type, code, masked);
        const times = rows.map(({ completed_at }) => completed_at);
        const last_at = Math.max(...times);
        const trend = Array.from({ length: TREND_STEPS }, () => 0);
        for (const at of times) {
          const part = Math.min(TREND_STEPS - 1, Math.floor((at - start) / step));
          trend[part] = (trend[part] ?? 0) + 1;
        }
        return {
          fingerprint,
          type,
          code,
          message: masked,
          example: message,
          tasks: rows.length,
          first_at: Math.min(...times),
          last_at,
          newest: newest.id,
          trend,
          muted: last_at <= (mutedAt.get(fingerprint) ?? -Infinity),
        };
      }),
    );
  },

  /** Mutes a group until it happens again. */
  async mute(owner: string, fingerprint: string, now: number): Promise<void> {
    await db.prepare(MUTE).bind(owner, fingerprint, now).run();
  },

  async unmute(owner: string, fingerprint: string): Promise<void> {
    await db.prepare(UNMUTE).bind(owner, fingerprint).run();
  },
});
