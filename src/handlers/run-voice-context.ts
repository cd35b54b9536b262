import type { LogLevel } from '../domain/run-log.ts';
import type { SubmitRequest } from '../domain/submit-request.ts';

/** The log of a run. Its owner reads it, and nobody else: the service's own log has none of it. */
export type RunLogger = Record<LogLevel, (message: string, fields?: object) => void>;

/** A task as a handler submits it. */
export type ChildTask = Pick<SubmitRequest, 'type' | 'params'> &
  Partial<Omit<SubmitRequest, 'rerun_of'>>;

/** What a run says and keeps. What it does not use costs nothing. */
export interface RunVoiceContext {
  log: RunLogger;
  /** Text as it comes, for those who watch; its last 64 KB reach those who come late. Not stored. */
  output(text: string): void;
  /**
   * Where another run would go on, as JSON of at most 16 KB: saved with the lease within seconds, and at
   * the end of a run that did not complete. After 25 minutes it ends the run, which goes on in another one.
   */
  saveCheckpoint(data: unknown): void;
  /**
   * Runs `work` once for all attempts of the task: resolves once its result is stored (a row), and a
   * later attempt is given that. Names are of the task alone; results are JSON of at most 16 KB.
   */
  step<Result>(name: string, work: () => Result | Promise<Result>): Promise<Result>;
  /** Submits a task of the same owner; the n-th of a run is the n-th of the run before. */
  submit(task: ChildTask): Promise<{ taskId: string }>;
}
