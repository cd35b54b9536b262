import { RetryLater } from './errors.ts';

/** What runs the task has too much to do: all tasks under its limit are to wait as long. */
export class Busy extends RetryLater {}
