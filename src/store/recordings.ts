import { appendAttempt } from '../domain/attempts.ts';
import { chunk } from '../domain/chunk.ts';
import { lifecycle } from '../domain/lifecycle.ts';
import type { Verdict } from '../domain/retry.ts';
import type { Task, TaskKey } from '../domain/task.ts';
import {
  END,
  END_COLUMNS,
  FIRST_WRITTEN,
  JSON_COLUMNS,
  RETRY,
  RETRY_AND_HOLD,
  RETRY_COLUMNS,
  toChanges,
  type Changes,
} from './record-sql.ts';
import { MAX_GROUP_CHARS } from './statements.ts';

/** The verdict on one attempt, to be recorded. */
export interface Recording {
  /** The row as it was claimed. */
  task: Task;
  verdict: Verdict;
  /** What the row gets in the place of a result that is too large for it, though not for an answer. */
  stub?: string;
}

const OUTCOME_WORDS = { complete: 'completed', fail: 'failed', reschedule: 'retried' } as const;

/** The row as far as a recording makes it: nothing but a transition writes these once it is claimed. */
const buildRecorded = (
  { task, verdict }: Recording,
  now: number,
  failureSinks: string | null,
): Partial<Task> & Pick<Task, 'status' | 'attempts'> => {
  const error = 'error' in verdict ? verdict.error : null;
  const isContinued = verdict.transition === 'reschedule' && verdict.error === null;
  const isSnoozed = verdict.transition === 'reschedule' && verdict.isSnoozed;
  const outcome = isSnoozed
    ? 'snoozed'
    : isContinued
      ? 'continued'
      : OUTCOME_WORDS[verdict.transition];
  const stack = 'stack' in verdict ? { stack: verdict.stack } : {};
  const recorded = {
    status: lifecycle[verdict.transition].to,
    attempts: appendAttempt(task, { ended_at: now, outcome, error, ...stack }),
    updated_at: now,
  };
  if (verdict.transition === 'reschedule')
    return {
      ...recorded,
      scheduled_at: now + Math.round(verdict.delayMs),
      // One that does not count is granted once more.
      max_attempts: task.max_attempts + (verdict.refund ? 1 : 0),
      checkpoint: verdict.checkpoint ?? null,
      snoozes: isSnoozed ? task.snoozes + 1 : 0,
    };
  const isFailed = verdict.transition === 'fail';
  return {
    ...recorded,
    completed_at: now,
    result: isFailed ? null : verdict.result,
    failure_sinks: isFailed ? failureSinks : task.failure_sinks,
    checkpoint: isFailed ? (verdict.checkpoint ?? null) : null,
  };
};

/**
 * What a kept text begins with. Its values are known by their place, and it may be kept, or sent to
 * the Dispatcher, by another release: a new order of columns needs a new version.
 */
const KEPT_VERSION = 'v2 ';
const BEFORE_VERSION = 'v1 ';

/** A text of the release before, which had fewer columns: a checkpoint of an end, and snoozes. */
const renewKept = (text: string): string => {
  const values = JSON.parse(text) as unknown[];
  const wasRetry = values[FIRST_WRITTEN] === lifecycle.reschedule.to;
  if (wasRetry) values.splice(FIRST_WRITTEN + RETRY_COLUMNS.indexOf('snoozes'), 0, 0);
  else values.splice(FIRST_WRITTEN + END_COLUMNS.indexOf('checkpoint'), 0, null);
  return JSON.stringify(values);
};

const readKept = (text: string): string => {
  if (text.startsWith(KEPT_VERSION)) return text.slice(KEPT_VERSION.length);
  if (text.startsWith(BEFORE_VERSION)) return renewKept(text.slice(BEFORE_VERSION.length));
  throw new Error(`Unknown version of a kept outcome: ${text.slice(0, 10)}`);
};

/** Whether the text of a recording is of an attempt after which the task goes on. */
const isRetry = (text: string): boolean =>
  (JSON.parse(text) as unknown[])[FIRST_WRITTEN] === lifecycle.reschedule.to;

/** One recording as its statement takes it. */
const encodeRecording = (
  { owner, id, attempt }: Task,
  changes: ReturnType<typeof buildRecorded>,
): string => {
  const columns = changes.status === lifecycle.reschedule.to ? RETRY_COLUMNS : END_COLUMNS;
  const values = columns.map((column) => changes[column] ?? null);
  const head = JSON.stringify([owner, id, attempt, ...values]).slice(0, -1);
  return `${[head, ...JSON_COLUMNS.flatMap((column) => changes[column] ?? [])].join(',')}]`;
};

/** Writes encoded recordings, each kind by its statements; returns what changed of the rows. */
const writeTexts = async (
  db: D1Database,
  ends: readonly string[],
  retries: readonly string[],
): Promise<Changes[]> => {
  const prepare = (sql: string, texts: readonly string[]): D1PreparedStatement =>
    db.prepare(sql).bind(`[${texts.join(',')}]`);
  const [ended, retried] = await Promise.all([
    ends.length > 0 ? prepare(END, ends).raw() : [],
    retries.length > 0
      ? db.batch<Changes>([prepare(RETRY, retries), prepare(RETRY_AND_HOLD, retries)])
      : [],
  ]);
  return [...ended.map(toChanges), ...retried.flatMap(({ results }) => results)];
};

/** The end of an attempt, written. `failureSinks`: as for the transitions. */
export const createRecordings = (db: D1Database, failureSinks: string | null) => {
  const encode = (recording: Recording, now: number) => {
    const changes = buildRecorded(recording, now, failureSinks);
    const { task, stub } = recording;
    const written = stub === undefined ? changes : { ...changes, result: stub };
    return { task: { ...task, ...changes }, text: encodeRecording(task, written) };
  };
  return {
    /** Writes outcomes, fenced on the attempt that made them. Returns the rows that took them. */
    async record(recordings: readonly Recording[], now: number): Promise<Task[]> {
      const rows = recordings.map((recording) => encode(recording, now));
      const tasks = new Map(rows.map(({ task }) => [task.id, task]));
      const written: Task[] = [];
      const sizeOf = ({ text }: (typeof rows)[number]): number => text.length;
      for (const group of chunk(rows, { sizeOf, maxSize: MAX_GROUP_CHARS })) {
        const findTexts = (isEnd: boolean): string[] =>
          group.flatMap(({ task, text }) => ((task.completed_at !== null) === isEnd ? text : []));
        for (const changes of await writeTexts(db, findTexts(true), findTexts(false)))
          written.push(Object.assign(tasks.get(changes.id) as Task, changes));
      }
      return written;
    },

    /** Outcomes as texts that can be kept and be written later, by the same statement and fence. */
    encodeRecordings: (recordings: readonly Recording[], now: number): string[] =>
      recordings.map((recording) => `${KEPT_VERSION}${encode(recording, now).text}`),

    /** Writes what `encodeRecordings` made, `MAX_GROUP_CHARS` at a time. */
    async writeRecordings(kept: readonly string[]): Promise<void> {
      const texts = kept.map(readKept);
      const retries = texts.filter(isRetry);
      const ends = texts.filter((text) => !isRetry(text));
      await writeTexts(db, ends, retries);
    },
  };
};

/** Whose recording a kept text is, and of which attempt; throws for one of another version. */
export const readRecordingKey = (text: string): TaskKey & { attempt: number } => {
  const [owner, id, attempt] = JSON.parse(readKept(text)) as [string, string, number];
  return { owner, id, attempt };
};

/** Whether this row shows that `recording` was committed, though its answer may have been lost. */
export const wasRecorded = (row: Task, { task, verdict }: Recording): boolean =>
  row.attempt === task.attempt && row.status === lifecycle[verdict.transition].to;
