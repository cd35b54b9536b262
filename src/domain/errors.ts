import type { ErrorCode } from './error-codes.ts';

export type { ErrorCode };

/** One thing that is wrong with a request. */
export interface FieldError {
  in: 'body' | 'query' | 'path' | 'header';
  path: string;
  code: string;
  message: string;
}

/**
 * The one way to fail inside Tasker. `message` is read by the caller: it says what to do next, and
 * holds no secret.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly errors: FieldError[] | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly headers: Record<string, string>;
  /** Further members of the problem, for programs to read. */
  readonly members: Record<string, unknown>;

  constructor(
    code: ErrorCode,
    message: string,
    more: {
      errors?: FieldError[];
      retryAfterSeconds?: number;
      headers?: Record<string, string>;
      members?: Record<string, unknown>;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: more.cause });
    this.name = 'AppError';
    this.code = code;
    this.errors = more.errors;
    this.retryAfterSeconds = more.retryAfterSeconds;
    this.headers = more.headers ?? {};
    this.members = more.members ?? {};
  }
}

/** A handler throws this to end its task as FAILED at once, whatever attempts are left. */
export class GiveUp extends Error {
  readonly code: string;

  constructor(message: string, code = 'gave_up') {
    super(message);
    this.name = 'GiveUp';
    this.code = code;
  }
}

/**
 * A handler throws this to be run again at once, without using an attempt: what one run may do was
 * done. The next run gets `checkpoint`, which is JSON, at most 16 KB.
 */
export class GoOn extends Error {
  readonly checkpoint: unknown;

  constructor(checkpoint: unknown) {
    super('Goes on in the next run');
    this.name = 'GoOn';
    this.checkpoint = checkpoint;
  }
}

/** A handler throws this to be run later, without using an attempt; at most 100 times in a row. */
export class Snooze extends Error {
  readonly seconds: number;
  /** As of `GoOn`; undefined: the one that was saved last. */
  readonly checkpoint: unknown;

  constructor(seconds: number, checkpoint?: unknown) {
    super(`Runs again in ${seconds} s`);
    this.name = 'Snooze';
    this.seconds = seconds;
    this.checkpoint = checkpoint;
  }
}

/** A handler throws this when its run goes on elsewhere: a call will tell how it ended. */
export class HandedOver extends Error {}

/**
 * A handler throws this to be run again after `seconds`; undefined means the type's own back-off.
 */
export class RetryLater extends Error {
  readonly seconds: number | undefined;
  readonly code: string;
  /** It was not the task's fault: the attempt does not count. */
  readonly isRefunded: boolean;

  constructor(
    seconds: number | undefined,
    message = `Asked to be run again in ${seconds} s`,
    code = 'handler_error',
    isRefunded = false,
  ) {
    super(message);
    this.name = 'RetryLater';
    this.isRefunded = isRefunded;
    this.seconds = seconds;
    this.code = code;
  }
}

/**
 * Longest error message kept, in UTF-16 units; with 100 attempts a row stays far below D1's 2 MB.
 */
export const MAX_ERROR_MESSAGE = 2_048;

const MAX_STACK = 2_048;

/** A stack as it is kept. */
export const toStack = (text: string): string => text.slice(0, MAX_STACK).toWellFormed();

/** Where an error was thrown, for whoever wrote the code: at most 2 KB; undefined for what has none. */
export const findStack = (thrown: unknown): string | undefined => {
  try {
    const stack = thrown instanceof Error ? thrown.stack : undefined;
    return typeof stack === 'string' ? toStack(stack) : undefined;
  } catch {
    return undefined;
  }
};

/**
 * Anything can be thrown: a string, null, an object that throws when looked at. This is always a
 * short text.
 */
export const describeError = (thrown: unknown): string => {
  let text: string;
  try {
    text = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  } catch {
    text = 'The handler threw a value that cannot be shown';
  }
  return text.length <= MAX_ERROR_MESSAGE
    ? text.toWellFormed()
    : `${text.slice(0, MAX_ERROR_MESSAGE - 1)}…`.toWellFormed();
};
