import type * as z from 'zod';
import type { RetryPolicy } from '../domain/retry.ts';
import type { Lane } from '../domain/task.ts';
import type { Logger } from '../log.ts';

/** All that a handler sees of the world. */
interface HandlerContext<Params> {
  /** Pass it downstream as an idempotency key, and at-least-once execution has exactly-once effects. */
  taskId: string;
  params: Params;
  /** 1 for the first run; grows with every further one. */
  attempt: number;
  /** Aborted at the timeout; hand it to whatever you wait for. */
  signal: AbortSignal;
  /** `fraction` 0 to 1 and a short note for people. Cheap to call often: at most 4 a second are shown. */
  progress(fraction: number, note?: string): void;
  log: Logger;
}

export interface HandlerDefinition<Schema extends z.ZodType> {
  type: string;
  /** Other names under which older clients know it. */
  aliases?: readonly string[];
  description: string;
  lane: Lane;
  /** A strict schema: it validates the submit and, since a row may be older than the code, every run. */
  params: Schema;
  /** Parameters that pass the schema and run. */
  example: z.input<Schema>;
  /** Unset parts: 3 attempts, 1 s base, 60 s at most. */
  retry?: Partial<RetryPolicy>;
  /** Unset: 30 s. A function where the parameters decide. */
  timeoutMs?: number | ((params: z.output<Schema>) => number);
  /** How long a final output is cached; 0: never. Unset: `CACHE_TTL_SECONDS`. */
  cacheTtlSeconds?: number;
  /** Returns the result: anything that is JSON. Throw `GiveUp` to fail for good, `RetryLater` to choose the delay. */
  run(context: HandlerContext<z.output<Schema>>): unknown;
}

/** A task type, its defaults filled in and its parameter type sealed off. */
export interface Handler extends Omit<HandlerDefinition<z.ZodType>, 'aliases' | 'retry' | 'timeoutMs' | 'run'> {
  aliases: readonly string[];
  retry: RetryPolicy;
  timeoutMs(params: unknown): number;
  run(context: HandlerContext<unknown>): unknown;
}

const DEFAULT_RETRY: RetryPolicy = { maxAttempts: 3, baseSeconds: 1, maxSeconds: 60 };
const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * Declares a task type.
 * @example
 * export const reverse = defineHandler({
 *   type: 'reverse', description: 'Turns a text around', lane: 'default',
 *   params: z.strictObject({ text: z.string().max(1_000) }), example: { text: 'abc' },
 *   run: ({ params }) => [...params.text].reverse().join(''),
 * });
 */
export const defineHandler = <Schema extends z.ZodType>(definition: HandlerDefinition<Schema>): Handler => {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, aliases = [], retry } = definition;
  type Params = z.output<Schema>;
  return {
    ...definition,
    aliases,
    retry: { ...DEFAULT_RETRY, ...retry },
    // Both are only ever called with what `params` returned.
    timeoutMs: (params) => (typeof timeoutMs === 'function' ? timeoutMs(params as Params) : timeoutMs),
    run: (context) => definition.run(context as HandlerContext<Params>),
  };
};
