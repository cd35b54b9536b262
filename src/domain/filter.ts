import type { IdRange } from './identifiers.ts';
import type { Priority, Status } from './words.ts';

/** A value inside `params` or `result`. A segment of digits is a place in a list. */
export interface FieldFilter {
  column: 'params' | 'result';
  path: readonly string[];
  value: string;
}

/** By the time of submission. */
export const ORDERS = ['newest', 'oldest'] as const;
export type Order = (typeof ORDERS)[number];

/** Which tasks a list shows. Several values of one filter widen it, several filters narrow it. */
export interface TaskFilter {
  statuses?: readonly Status[] | undefined;
  types?: readonly string[] | undefined;
  priorities?: readonly Priority[] | undefined;
  queues?: readonly string[] | undefined;
  tags?: readonly string[] | undefined;
  /** ms; from then on, that moment included. */
  submittedAfter?: number | undefined;
  /** ms; before then, that moment not included. */
  submittedBefore?: number | undefined;
  /**
   * Each must be found in the title, the description, the tags, the id, the last error, the
   * parameters or the result; ASCII letters in either case. Where all together are an identifier or
   * a short id that there is, they mean that alone.
   */
  words?: readonly string[] | undefined;
  /** A value by which tasks are found, see `identifiers.ts`. */
  identifier?: string | undefined;
  idRange?: IdRange | undefined;
  fields?: readonly FieldFilter[] | undefined;
  ids?: readonly string[] | undefined;
  /** The task that they ran again. */
  rerunOf?: string | undefined;
  /** The task by whose run they were submitted. */
  parentId?: string | undefined;
  /** The schedule that submitted them. */
  scheduleId?: string | undefined;
  /** The flow whose tasks they are. */
  flowId?: string | undefined;
  /** The message of the last error; `…` in it stands for any text. */
  error?: string | undefined;
  /** PENDING after an attempt, or anything but that. */
  retrying?: boolean | undefined;
  /** Waiting for a time after `now` (ms), or anything but that. */
  ahead?: { now: number; is: boolean } | undefined;
}
