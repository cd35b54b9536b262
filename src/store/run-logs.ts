import { MAX_LOG_LINES, type LogLine } from '../domain/run-log.ts';
import type { RunKey } from '../domain/run-token.ts';
import { chunk } from '../domain/chunk.ts';
import { guardSql, jsonRows, MAX_GROUP_CHARS, nameStatement } from './statements.ts';

/** Lines of an attempt. `cut`: how many after them were not kept. */
export interface StoredPart {
  first: number;
  cut: number;
  lines: LogLine[];
}

/** Lines to be stored. */
export type NewPart = RunKey & StoredPart;

/** Lines of tasks that there are. */
const INSERT = `${jsonRows('p', '?1')}
INSERT INTO run_logs (owner, task_id, attempt, first, count, cut, lines)
SELECT tasks.owner,
  tasks.id,
  p.value ->> 'attempt',
  p.value ->> 'first',
  json_array_length(p.value -> 'lines'),
  p.value ->> 'cut',
  p.value -> 'lines'
FROM p
JOIN tasks ON tasks.owner = p.value ->> 'owner' AND tasks.id = p.value ->> 'id'`;

// What an attempt that was taken back still said is part of what happened: no fence. Of a task that
// was deleted meanwhile nothing is kept.
const APPEND = nameStatement(
  'run_logs.append',
  `${INSERT}
WHERE true
ON CONFLICT (owner, task_id, attempt, first) DO UPDATE
SET count = excluded.count,
  cut = excluded.cut,
  lines = excluded.lines`,
);

// From outside anybody may say anything at any time: while the run goes on, and once.
const APPEND_OUTSIDE = nameStatement(
  'run_logs.append_outside',
  `${INSERT}
WHERE tasks.attempt = p.value ->> 'attempt'
  AND ${guardSql('complete')}
ON CONFLICT (owner, task_id, attempt, first) DO UPDATE
SET count = excluded.count,
  cut = run_logs.cut + excluded.cut,
  lines = excluded.lines
WHERE run_logs.count = 0
RETURNING first`,
);

const USED = nameStatement(
  'run_logs.used',
  `SELECT coalesce(max(first + count), 0) AS lines, coalesce(sum(octet_length(lines)), 0) AS bytes
FROM run_logs
WHERE owner = ?1 AND task_id = ?2 AND attempt = ?3`,
);

const ATTEMPTS = nameStatement(
  'run_logs.attempts',
  `SELECT attempt, sum(count) AS count
FROM run_logs
WHERE owner = ?1 AND task_id = ?2
GROUP BY attempt
ORDER BY attempt`,
);

// ?3: the attempt, or null for the newest that wrote something.
const READ = nameStatement(
  'run_logs.read',
  `SELECT attempt, first, cut, lines
FROM run_logs
WHERE owner = ?1
  AND task_id = ?2
  AND attempt = coalesce(?3, (SELECT max(attempt) FROM run_logs WHERE owner = ?1 AND task_id = ?2))
ORDER BY first
LIMIT ${2 * MAX_LOG_LINES}`,
);

/** The logs of runs. */
export const createRunLogs = (db: D1Database) => ({
  /** Stores lines; repeating it changes nothing. */
  async append(parts: readonly NewPart[]): Promise<void> {
    const texts = parts.map((part) => JSON.stringify(part));
    const sizeOf = (text: string): number => text.length;
    for (const group of chunk(texts, { sizeOf, maxSize: MAX_GROUP_CHARS }))
      await db
        .prepare(APPEND)
        .bind(`[${group.join(',')}]`)
        .run();
  },

  /** Stores lines of a run outside; false: it is over, or another call stored lines at this place. */
  async appendOutside(part: NewPart): Promise<boolean> {
    const statement = db.prepare(APPEND_OUTSIDE).bind(JSON.stringify([part]));
    return (await statement.first()) !== null;
  },

  /** What an attempt has stored. */
  async readUsed({ owner, id, attempt }: RunKey): Promise<{ lines: number; bytes: number }> {
    const row = await db
      .prepare(USED)
      .bind(owner, id, attempt)
      .first<{ lines: number; bytes: number }>();
    return row ?? { lines: 0, bytes: 0 };
  },

  /** The log of an attempt, of the newest that has one unless told, and how many lines each has. */
  async read(
    { owner, id }: Pick<RunKey, 'owner' | 'id'>,
    attempt: number | null,
  ): Promise<{ parts: (StoredPart & { attempt: number })[]; attempts: LoggedAttempt[] }> {
    type Row = Omit<StoredPart, 'lines'> & { attempt: number; lines: string };
    const [parts, attempts] = (await db.batch<Row | LoggedAttempt>([
      db.prepare(READ).bind(owner, id, attempt),
      db.prepare(ATTEMPTS).bind(owner, id),
    ])) as [D1Result<Row>, D1Result<LoggedAttempt>];
    return {
      parts: parts.results.map((row) => ({ ...row, lines: JSON.parse(row.lines) as LogLine[] })),
      attempts: attempts.results,
    };
  },
});

interface LoggedAttempt {
  attempt: number;
  count: number;
}

export type RunLogs = ReturnType<typeof createRunLogs>;
