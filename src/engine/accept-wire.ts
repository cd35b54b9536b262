import type { Task } from '../domain/task.ts';
import { DIRECT_COLUMNS, type DirectPart } from '../domain/direct-run.ts';
import type { Recording } from '../store/recordings.ts';
import { decodeTask, encodeDirect, encodeTask, INSERT_COLUMNS } from '../store/inserts.ts';

// Both ends of the wire between the Workers, which accept tasks, and the Dispatcher, which stores
// them. Texts cross faster than lists, and far faster than objects. After a deploy Workers and
// objects of two releases live side by side for minutes: the first line says which columns the rows
// have, so that each end reads the other's.

/**
 * What became of one submitted task. `begun`: it was stored with its direct run; `accepted`: without
 * one. `duplicate`: a task with its idempotency key is there already.
 * `database_unavailable` wrote nothing; `outcome_unknown` may have.
 */
export type Acceptance =
  | 'accepted'
  | 'begun'
  | 'duplicate'
  | 'too_many_bytes'
  | 'database_full'
  | 'too_many_unfinished'
  | 'overloaded'
  | 'task_rejected'
  | 'database_unavailable'
  | 'outcome_unknown';

/** Whether this very submit stored the task. */
export const isStored = (acceptance: Acceptance | undefined): boolean =>
  acceptance === 'accepted' || acceptance === 'begun';

const COLUMNS = INSERT_COLUMNS.join(' ');
const HEADER = `v1 ${COLUMNS}`;
/** Of rows that a release before would store without what holds them: it refuses them instead. */
const NEW_HEADER = `v2 ${COLUMNS}`;
/** Of one with a direct run: another release, whose runs decide others, lets its queue have it. */
const DIRECT_HEADER = `${NEW_HEADER} direct:${DIRECT_COLUMNS.join()}`;
const needsNew = ({ limit_key, unique_key }: Task): boolean => (limit_key ?? unique_key) !== null;

/** A task and its text as `encodeTask` makes it, which goes into the INSERT as it is. */
export interface EncodedTask {
  task: Task;
  row: string;
  /** What its direct run decides, in `row` too; unset for most. */
  direct?: DirectPart;
}

/**
 * Tasks as the Dispatcher takes them: a line that names the columns, and a line for each task.
 * @param born the one task, as its direct run makes it
 */
export const encodeTasks = (tasks: readonly Task[], born: Task | null = null): string => {
  const [only] = tasks;
  if (born && only) return `${DIRECT_HEADER}\n${encodeDirect(only, born)}`;
  return [tasks.some(needsNew) ? NEW_HEADER : HEADER, ...tasks.map(encodeTask)].join('\n');
};

const decodeDirect = (row: string): EncodedTask => {
  const direct = (JSON.parse(row) as unknown[])[INSERT_COLUMNS.length] as DirectPart;
  return { task: decodeTask(row), row, direct };
};

/** What a row of another release lacks is null, or this. */
const DEFAULTS: Partial<Task> = { sub_key: '' };
/** A row of another release: what this release does not know is left out. */
const translateRow = (row: string, columns: readonly string[]): EncodedTask => {
  const values = JSON.parse(row) as unknown[];
  const byColumn = new Map(columns.map((column, place) => [column, values[place]]));
  const own = JSON.stringify(
    INSERT_COLUMNS.map((column) => byColumn.get(column) ?? DEFAULTS[column] ?? null),
  );
  return { task: decodeTask(own), row: own };
};

/**
 * The tasks that `encodeTasks` made a text of, in this release or another one; throws for a version
 * that it does not know.
 */
export const decodeTasks = (text: string): EncodedTask[] => {
  const [header = '', ...rows] = text.split('\n');
  if (header === HEADER || header === NEW_HEADER)
    return rows.map((row) => ({ task: decodeTask(row), row }));
  if (header === DIRECT_HEADER) return rows.map(decodeDirect);
  const [version, ...columns] = header.split(' ');
  if (version !== 'v1' && version !== 'v2')
    throw new Error(`Unknown version of the accept wire: ${version?.slice(0, 20)}`);
  return rows.map((row) => translateRow(row, columns));
};

/** Outcomes of direct runs. A Dispatcher that does not know their version is told of them as kept ones. */
const RECORDINGS = 'v1 ';
export const encodeRecordings = (recordings: readonly Recording[]): string =>
  `${RECORDINGS}${JSON.stringify(recordings)}`;
export const decodeRecordings = (text: string): Recording[] => {
  if (text.startsWith(RECORDINGS)) return JSON.parse(text.slice(RECORDINGS.length)) as Recording[];
  throw new Error(`Unknown version of recordings: ${text.slice(0, 10)}`);
};

export const encodeAcceptances = (acceptances: readonly Acceptance[]): string => acceptances.join();
export const decodeAcceptances = (text: string): Acceptance[] => text.split(',') as Acceptance[];
