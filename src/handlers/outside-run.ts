import type { RegisteredType, RunKind } from '../domain/registered-type.ts';
import type { LogLevel } from '../domain/run-log.ts';
import type { Task } from '../domain/task.ts';

/** How the tasks of a registered type are run. */
export interface OutsideRun {
  kind: RunKind;
  /** Of an endpoint. */
  url: string | null;
  row: RegisteredType;
  /** Whether its type has a schema of results. */
  checksResults: boolean;
  /** What the type's schema finds wrong with a result; null: nothing. */
  findResultProblem(result: unknown): string | null;
}

/** A run by an endpoint of the owner's. */
export interface EndpointCall {
  outside: OutsideRun;
  task: Readonly<Task>;
  params: unknown;
  checkpoint: unknown;
  signal: AbortSignal;
  /** Text as it comes. */
  output(text: string): void;
  /** A line of the run's log. */
  log(level: LogLevel, message: string, fields?: object): void;
}
/** Resolves with the result; throws as handlers do, `HandedOver` too. */
export type CallEndpoint = (call: EndpointCall) => Promise<unknown>;
