import type { Lane } from '../domain/words.ts';
import type { CommandName } from '../domain/lifecycle.ts';
import type * as z from 'zod';
import type { WrittenFilter } from '../domain/filter-schema.ts';
import type { TaskLimit } from '../domain/limit.ts';
import type { RetryPolicy } from '../domain/retry.ts';
import type { OutsideRun } from './outside-run.ts';
import type { RunVoiceContext } from './run-voice-context.ts';

/** Keys and addresses of providers, as set for this deployment. */
export interface HandlerSecrets {
  OPENAI_API_KEY?: string | undefined;
  OPENAI_BASE_URL: string;
  OPENAI_DEFAULT_MODEL: string;
  OPENWEATHER_API_KEY?: string | undefined;
  OPENWEATHER_BASE_URL: string;
  /** Addresses that mail may come from; the first is the usual one. */
  EMAIL_FROM?: string[] | undefined;
  /** Where replies may go besides: addresses, or `@domain` for all of one. */
  EMAIL_REPLY_TO?: readonly string[] | undefined;
  /** Models that may be asked; undefined for any. */
  ALLOWED_MODELS?: readonly string[] | undefined;
  /** Most tokens of one answer; undefined for any number. */
  MAX_TOKENS?: number | undefined;
}

/** A parameter that this deployment does not allow. */
interface Refused {
  path: string;
  message: string;
}

/** The files of the task's owner. */
export interface Files {
  /** Null where there is no such file. */
  open(
    name: string,
  ): Promise<{ body: ReadableStream<Uint8Array>; bytes: number; etag: string } | null>;
  /** Writes, or replaces, a file while it is being produced; returns its size. */
  save(
    name: string,
    content: AsyncIterable<Uint8Array>,
    contentType: string,
  ): Promise<{ bytes: number }>;
}

/** Tasks of the task's owner that an action is to change. */
interface MatchingTasks {
  /** How many they are, those before this id; stops counting at 10 000. */
  count(before: string): Promise<number>;
  /** Acts on the next of them, newest first; `next` is null when there are no more. */
  act(before: string): Promise<{ matched: number; changed: number; next: string | null }>;
}

/** The tasks of the task's owner. */
export interface OwnTasks {
  findMatching(action: CommandName, filter: WrittenFilter): MatchingTasks;
}

export interface Mail {
  from: string;
  to: string[];
  subject: string;
  text?: string | undefined;
  html?: string | undefined;
  replyTo?: string | undefined;
  headers?: Record<string, string>;
}

/** Sends a mail, or throws; under `wrangler dev` it is written to a file instead. */
export type SendMail = (mail: Mail) => Promise<{ messageId: string }>;

/** The dependencies of handlers, apart from their task. */
export interface HandlerDependencies {
  fetch: typeof fetch;
  secrets: HandlerSecrets;
  sendMail: SendMail;
}

/** All that a handler sees of the world. */
interface HandlerContext<Params> extends HandlerDependencies, RunVoiceContext {
  /**
   * Pass it downstream as an idempotency key, and at-least-once execution has exactly-once effects.
   */
  taskId: string;
  params: Params;
  /** 1 for the first run; grows with every further one. */
  attempt: number;
  /** What an earlier run saved last, or threw `GoOn` or `Snooze` with; null for the first. */
  checkpoint: unknown;
  /** Ends with the task, refuses redirects, and reads at most 1 MB of an answer. */
  fetch: typeof fetch;
  /** Aborted at the timeout; hand it to whatever you wait for. */
  signal: AbortSignal;
  /**
   * `fraction` 0 to 1 and a short note for people. Cheap to call often: at most 4 a second are
   * shown.
   */
  progress(fraction: number, note?: string): void;
  files: Files;
  tasks: OwnTasks;
}

export interface HandlerDefinition<Schema extends z.ZodType> {
  type: string;
  /** Other names under which older clients know it. */
  aliases?: readonly string[];
  description: string;
  lane: Lane;
  /**
   * A strict schema: it validates the submit and, since a row may be older than the code, every
   * run.
   */
  params: Schema;
  /** Parameters that pass the schema and run. */
  example: z.input<Schema>;
  /** Unset parts: 3 attempts, 1 s base, 60 s at most. */
  retry?: Partial<RetryPolicy>;
  /** Unset: 30 s. A function where the parameters decide. */
  timeoutMs?: number | ((params: z.output<Schema>) => number);
  /** Settings without which it cannot run: a task fails at once, naming the one that is missing. */
  needs?: readonly (keyof HandlerSecrets)[];
  /** What this deployment's settings do not allow; asked at the submit and before each run. */
  check?(params: z.output<Schema>, secrets: HandlerSecrets): Refused | undefined;
  /** The types that its run runs again; null for any. Unset: none. */
  findRun?(params: z.output<Schema>): readonly string[] | null;
  /**
   * Whether it has no effect outside, so that it may be run before its task is stored: nobody can tell
   * how often it ran.
   */
  isPure?: boolean;
  /** Whether each run costs money or goodwill: then submits have a rate of their own. */
  isMetered?: boolean;
  /** The limit that its tasks run under, unless their submits name another. */
  limit?: TaskLimit;
  /** How long an output may answer further submits with the same parameters. Unset: never. */
  reuseSeconds?: number;
  /** How long a final output is cached; 0: never. Unset: `CACHE_TTL_SECONDS`. */
  cacheTtlSeconds?: number;
  /**
   * Returns the result: anything that is JSON. Throw `GiveUp` to fail for good, `RetryLater` to
   * choose the delay, `Snooze` to be run later without using an attempt, `GoOn` to go on in another run.
   */
  run(context: HandlerContext<z.output<Schema>>): unknown;
}

/** A task type, its defaults filled in and its parameter type sealed off. */
export interface Handler extends Omit<
  HandlerDefinition<z.ZodType>,
  'aliases' | 'needs' | 'retry' | 'timeoutMs' | 'check' | 'findRun' | 'run'
> {
  aliases: readonly string[];
  needs: readonly (keyof HandlerSecrets)[];
  retry: RetryPolicy;
  timeoutMs(params: unknown): number;
  check(params: unknown, secrets: HandlerSecrets): Refused | undefined;
  findRun(params: unknown): readonly string[] | null;
  /** Whether its parameters decide that it runs others. */
  runsOthers: boolean;
  run(context: HandlerContext<unknown>): unknown;
  /** JSON Schema of the parameters, of a registered type; of others it is made from `params`. */
  schema?: unknown;
  /** Of a registered type. */
  outside?: OutsideRun;
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
export const defineHandler = <Schema extends z.ZodType>(
  definition: HandlerDefinition<Schema>,
): Handler => {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, aliases = [], needs = [], retry } = definition;
  type Params = z.output<Schema>;
  const { check: _, findRun, ...rest } = definition;
  return {
    ...rest,
    aliases,
    needs,
    retry: { ...DEFAULT_RETRY, ...retry },
    // All are only ever called with what `params` returned.
    timeoutMs: (params) =>
      typeof timeoutMs === 'function' ? timeoutMs(params as Params) : timeoutMs,
    runsOthers: findRun !== undefined,
    findRun: (params) => (findRun ? findRun(params as Params) : []),
    check: (params, secrets) => definition.check?.(params as Params, secrets),
    run: (context) => definition.run(context as HandlerContext<Params>),
  };
};
