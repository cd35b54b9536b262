import { RetryLater } from './errors.ts';

/** Whoever runs the task has too much to do: all under its limit are to wait as long. */
export class Busy extends RetryLater {}
