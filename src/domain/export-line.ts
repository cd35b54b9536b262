import type { Task } from './task.ts';
import { toTaskDetail, type TaskDetail } from './view.ts';

// A task as a line of an export or an archive: its view, for whoever reads it, what the view does not tell
// of its row, and at the end its parameters and its result, as they are stored. Their sizes stand before
// them, so that they can be cut out as they are, however large.

/** The columns that have no place of their own in a line. */
type Head = Omit<Task, 'params' | 'result'>;
type Column = keyof Head;

/** A line up to its texts. `bytes` are those of the texts in UTF-8; null: there is no result. */
export interface ExportHead extends Omit<
  TaskDetail,
  'params' | 'result' | 'deliveries' | 'waiting_for'
> {
  owner: string;
  /** What the view does not tell of the row. */
  row: Partial<Head>;
  bytes: { params: number; result: number | null };
}

const TIMES = [
  'submitted_at',
  'scheduled_at',
  'started_at',
  'completed_at',
  'updated_at',
  'expires_at',
] as const satisfies (Column & keyof TaskDetail)[];
const SAME = [
  'type',
  'title',
  'description',
  'priority',
  'status',
  'queue',
  'attempt',
  'max_attempts',
  'callback_url',
  'reused_from',
  'rerun_of',
  'parent_id',
  'end_reason',
  'flow_id',
  'node',
  'item',
  'version',
  'rescues',
  'traceparent',
] as const satisfies (Column & keyof TaskDetail)[];

const toMs = (time: string | null): number | null => (time === null ? null : Date.parse(time));

/** The columns as a view lets them be guessed. */
const guessColumns = (view: Omit<ExportHead, 'row' | 'bytes'>) => ({
  owner: view.owner,
  id: view.task_id,
  ...Object.fromEntries(SAME.map((column) => [column, view[column]])),
  ...Object.fromEntries(TIMES.map((column) => [column, toMs(view[column])])),
  tags: JSON.stringify(view.tags),
  limit_key: view.limit?.key ?? null,
  sub_key: view.limit?.sub_key ?? '',
  attempts: JSON.stringify(
    view.attempts.map((entry) => ({
      ...entry,
      started_at: toMs(entry.started_at),
      ended_at: toMs(entry.ended_at),
    })),
  ),
  attempt_budget: view.max_attempts,
  snoozes: 0,
});

/** What comes before the texts of a task. @param bytes sizes of the texts that its row stands for */
export const toExportHead = (task: Task, bytes: ExportHead['bytes']): ExportHead => {
  const { params: _p, result: _r, ...head } = task;
  const detail = toTaskDetail({ ...task, params: 'null', result: null }, [], null);
  const { params: _, result: __, deliveries: ___, waiting_for: ____, ...view } = detail;
  const named = { owner: task.owner, ...view };
  const guessed: Partial<Record<Column, unknown>> = guessColumns(named);
  const row = Object.fromEntries(
    Object.entries(head).filter(([column, value]) => value !== (guessed[column as Column] ?? null)),
  );
  return { ...named, row, bytes };
};

/** The row of a line, its texts left out. */
export const readExportHead = (head: ExportHead): Partial<Head> => ({
  ...guessColumns(head),
  ...head.row,
});

const encoder = new TextEncoder();
const PARAMS = ',"params":';
const RESULT = ',"result":';

/** A line in three pieces, between which the two texts go: of a null result the text is `null`. */
export const splitLine = (head: ExportHead): [string, string, string] => [
  JSON.stringify(head).slice(0, -1) + PARAMS,
  RESULT,
  '}\n',
];

/** A line, without its end: the head, and the texts as they are. */
export interface ExportLine {
  head: ExportHead;
  params: Uint8Array;
  result: Uint8Array | null;
}

/** Takes a line apart; throws a `TypeError` for one that is no line of an export. */
export const parseExportLine = (line: Uint8Array): ExportLine => {
  const fail = (): never => {
    throw new TypeError('This is no line of an export');
  };
  const found = /"bytes":\{"params":(\d+),"result":(\d+|null)\},"params":/.exec(
    new TextDecoder().decode(line.subarray(0, MAX_HEAD_BYTES)),
  );
  if (!found) return fail();
  const text = found.input.slice(0, found.index + found[0].length - PARAMS.length);
  const params = Number(found[1]);
  const result = found[2] === 'null' ? null : Number(found[2]);
  const paramsAt = encoder.encode(text).byteLength + PARAMS.length;
  const resultAt = paramsAt + params + RESULT.length;
  const end = resultAt + (result ?? 'null'.length);
  if (end + 1 !== line.byteLength) return fail();
  try {
    return {
      head: JSON.parse(`${text}}`) as ExportHead,
      params: line.subarray(paramsAt, paramsAt + params),
      result: result === null ? null : line.subarray(resultAt, end),
    };
  } catch {
    return fail();
  }
};
/** A history of a hundred attempts, a description and a checkpoint fit into it. */
const MAX_HEAD_BYTES = 2_000_000;

/** The last line of an export. */
export interface ExportEnd {
  tasks: number;
  /** Where the next part begins; null: this was all. */
  next_cursor: string | null;
  /** Large bodies were passed that no filter looks into. */
  truncated: boolean;
}
