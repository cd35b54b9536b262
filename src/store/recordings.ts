import { appendAttempt } from '../domain/attempts.ts';
import { chunk } from '../domain/chunk.ts';
import { lifecycle } from '../domain/lifecycle.ts';
import { RESEND_AFTER_MS } from '../domain/new-task.ts';
import type { Verdict } from '../domain/retry.ts';
import type { Task, TaskKey } from '../domain/task.ts';
import { guardSql, jsonRows, MAX_GROUP_CHARS, nameStatement, rowMapper } from './statements.ts';

/** The verdict on one attempt, to be recorded. */
export interface Recording {
  /** The row as it was claimed. */
  task: Task;
  verdict: Verdict;
}

/** A queue holds a delayed message for a day at most. */
export const MAX_MESSAGE_DELAY_MS = 24 * 3_600_000;

/** The columns that may have changed since the claim. */
const CHANGED_COLUMNS = [
  'id',
  'version',
  'title',
  'description',
  'progress',
] as const satisfies (keyof Task)[];
const toChanges = rowMapper<Pick<Task, (typeof CHANGED_COLUMNS)[number]>>(CHANGED_COLUMNS);

/** The columns that a recording writes. */
const RECORDED_COLUMNS = [
  'status',
  'completed_at',
  'scheduled_at',
  'wake_at',
  'failure_sinks',
  'updated_at',
  'max_attempts',
] as const satisfies (keyof Task)[];
/**
 * What a recording writes that is JSON already, and goes in as it is: as a text within JSON it
 * could grow to twice its size, which D1 bounds.
 */
const RECORDED_JSON_COLUMNS = ['attempts', 'result'] as const satisfies (keyof Task)[];
type Recorded = Pick<
  Task,
  (typeof RECORDED_COLUMNS)[number] | (typeof RECORDED_JSON_COLUMNS)[number]
>;

/** The values come by their place: owner, id, attempt, and then what is written. */
const FIRST_WRITTEN = 3;

// complete, fail and reschedule leave from the same status: one statement serves a mixed group. The
// result comes last, and is left out where there is none.
const RECORD = nameStatement(
  'tasks.record',
  `${jsonRows('o', '?1')}
UPDATE tasks
SET version = version + 1,
  ${RECORDED_COLUMNS.map((column, i) => `${column} = o.value ->> ${FIRST_WRITTEN + i}`).join(',\n  ')},
  ${RECORDED_JSON_COLUMNS.map((column, i) => `${column} = o.value -> ${FIRST_WRITTEN + RECORDED_COLUMNS.length + i}`).join(',\n  ')}
FROM o
WHERE tasks.owner = o.value ->> 0
  AND tasks.id = o.value ->> 1
  AND ${guardSql('complete')}
  AND tasks.attempt = o.value ->> 2
RETURNING ${CHANGED_COLUMNS.join(', ')}`,
);

const OUTCOME_WORDS = { complete: 'completed', fail: 'failed', reschedule: 'retried' } as const;

/**
 * What a recording makes of the row: all of it is known, for nothing but a transition writes these
 * once it is claimed.
 */
const buildRecorded = (
  { task, verdict }: Recording,
  now: number,
  failureSinks: string | null,
): Recorded => {
  const { to: status } = lifecycle[verdict.transition];
  const error = 'error' in verdict ? verdict.error : null;
  const outcome = OUTCOME_WORDS[verdict.transition];
  const ended = {
    status,
    attempts: appendAttempt(task, { ended_at: now, outcome, error }),
    updated_at: now,
    result: null,
    completed_at: now,
    scheduled_at: task.scheduled_at,
    wake_at: null,
    failure_sinks: task.failure_sinks,
    max_attempts: task.max_attempts,
  };
  if (verdict.transition === 'complete') return { ...ended, result: verdict.result };
  if (verdict.transition === 'fail') return { ...ended, failure_sinks: failureSinks };
  const scheduled_at = now + Math.round(verdict.delayMs);
  // Beyond a day the queue cannot hold the message, so the clock brings the task back exactly when
  // it is due.
  const slackMs = verdict.delayMs > MAX_MESSAGE_DELAY_MS ? 0 : RESEND_AFTER_MS;
  return {
    ...ended,
    completed_at: null,
    scheduled_at,
    wake_at: scheduled_at + slackMs,
    // One that does not count is granted once more.
    max_attempts: task.max_attempts + (verdict.refund ? 1 : 0),
  };
};

/** One recording as the statement takes it. */
const encodeRecording = ({ owner, id, attempt }: Task, changes: Recorded): string => {
  const values = RECORDED_COLUMNS.map((column) => changes[column]);
  const head = JSON.stringify([owner, id, attempt, ...values]).slice(0, -1);
  return `${[head, ...RECORDED_JSON_COLUMNS.flatMap((column) => changes[column] ?? [])].join(',')}]`;
};

/** Writes encoded recordings; returns what else has changed of the rows that took them. */
const writeTexts = async (
  db: D1Database,
  texts: readonly string[],
): Promise<Pick<Task, (typeof CHANGED_COLUMNS)[number]>[]> => {
  const statement = db.prepare(RECORD).bind(`[${texts.join(',')}]`);
  return (await statement.raw()).map(toChanges);
};

/** The end of an attempt, written. `failureSinks`: as for the transitions. */
export const createRecordings = (db: D1Database, failureSinks: string | null) => {
  const encode = (recording: Recording, now: number) => {
    const changes = buildRecorded(recording, now, failureSinks);
    const text = encodeRecording(recording.task, changes);
    return { task: { ...recording.task, ...changes }, text };
  };
  return {
    /** Writes outcomes, fenced on the attempt that made them. Returns the rows that took them. */
    async record(recordings: readonly Recording[], now: number): Promise<Task[]> {
      const rows = recordings.map((recording) => encode(recording, now));
      const tasks = new Map(rows.map(({ task }) => [task.id, task]));
      const written: Task[] = [];
      const sizeOf = ({ text }: { text: string }): number => text.length;
      for (const group of chunk(rows, { sizeOf, maxSize: MAX_GROUP_CHARS }))
        for (const changes of await writeTexts(
          db,
          group.map(({ text }) => text),
        ))
          written.push(Object.assign(tasks.get(changes.id) as Task, changes));
      return written;
    },

    /** Outcomes as texts that can be kept and be written later, by the same statement and fence. */
    encodeRecordings: (recordings: readonly Recording[], now: number): string[] =>
      recordings.map((recording) => encode(recording, now).text),

    /** Writes what `encodeRecordings` made, `MAX_GROUP_CHARS` at a time. */
    async writeRecordings(texts: readonly string[]): Promise<void> {
      await writeTexts(db, texts);
    },
  };
};

/** Whose recording a text is, and of which attempt. */
export const readRecordingKey = (text: string): TaskKey & { attempt: number } => {
  const [owner, id, attempt] = JSON.parse(text) as [string, string, number];
  return { owner, id, attempt };
};

/** Whether this row shows that `recording` was committed, though its answer may have been lost. */
export const wasRecorded = (row: Task, { task, verdict }: Recording): boolean =>
  row.attempt === task.attempt && row.status === lifecycle[verdict.transition].to;
