import { startTimer } from '../domain/timer.ts';

/** The problem details (RFC 9457) of a refusal or a failure. */
export interface Problem {
  status: number;
  code: string;
  title: string;
  detail: string;
  request_id: string;
  errors?: { in: string; path: string; code: string; message: string }[];
}

/**
 * Thrown for every answer that is no success. `code` is a stable word, such as `task_not_found`.
 */
export class TaskerError extends Error {
  readonly status: number;
  readonly code: string;
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = 'TaskerError';
    this.status = problem.status;
    this.code = problem.code;
    this.problem = problem;
  }

  /** Whether the same request may succeed a little later. */
  get isPassing(): boolean {
    return this.status >= 500 || this.status === 408 || this.status === 429;
  }
}

export interface ClientOptions {
  /** Where the service answers, such as `http://localhost:8787`. */
  baseUrl: string;
  /** Sent as `Authorization: Bearer …`. */
  apiKey?: string | undefined;
  /** Instead of the global one. */
  fetch?: typeof fetch;
  /**
   * How often a request that is safe to repeat is repeated when the service is down or busy.
   * Default 3.
   */
  retries?: number;
}

/** A body as `fetch` takes it. */
export type RequestBody = NonNullable<RequestInit['body']>;

export interface RequestOptions {
  method?: string;
  json?: unknown;
  body?: RequestBody;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  /** Whether it may be sent twice. Default: for GET. */
  isRepeatable?: boolean;
}

/** Sends a request and returns its answer, read as JSON. */
export type SendJson = <T>(path: string, request?: RequestOptions) => Promise<T>;

const HTTP_DATE = /GMT$/;

/** How long the service asks to be left alone, in ms; 0 when it does not say. */
const retryAfterMs = (header: string | null): number => {
  const ms = HTTP_DATE.test(header ?? '')
    ? Date.parse(header ?? '') - Date.now()
    : Number(header ?? 0) * 1_000;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
};

/** Answers after which the same request may succeed. */
const BUSY = new Set([429, 502, 503, 504]);

/** Resolves after `ms` milliseconds; rejects when the signal aborts. */
export const pause = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = (): void => {
      stopTimer();
      reject(signal?.reason as Error);
    };
    const stopTimer = startTimer(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });

/** JSON writes what it has no number for as null: refused, so that no value is lost in silence. */
export const refuseNonNumbers = (name: string, value: unknown): unknown => {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new TypeError(`"${name}" is ${value}, which JSON cannot say`);
  return value;
};

const readProblem = async (response: Response): Promise<Problem> => {
  const text = await response.text();
  try {
    return JSON.parse(text) as Problem;
  } catch {
    // Something between us and the service answered.
    const detail = `The service answered ${response.status}`;
    return {
      status: response.status,
      code: 'unexpected_answer',
      title: detail,
      detail,
      request_id: '',
    };
  }
};

/**
 * Sends requests; throws `TaskerError` for refusals, and whatever `fetch` throws where there is no
 * answer at all.
 */
export const createRequest = ({
  baseUrl,
  apiKey,
  fetch: send = globalThis.fetch,
  retries = 3,
}: ClientOptions) => {
  const base = baseUrl.replace(/\/+$/, '');
  /** `read` is part of the try: an answer that breaks off in the middle is none. */
  return async <T = Response>(
    path: string,
    options: RequestOptions = {},
    read: (response: Response) => Promise<T> | T = (response) => response as T,
  ): Promise<T> => {
    const {
      method = 'GET',
      json,
      body = json === undefined ? null : JSON.stringify(json, refuseNonNumbers),
      signal,
    } = options;
    const isRepeatable = options.isRepeatable ?? method === 'GET';
    const headers = {
      ...(json !== undefined && { 'Content-Type': 'application/json' }),
      ...(apiKey && { Authorization: `Bearer ${apiKey}` }),
      ...options.headers,
    };
    for (let attempt = 0; ; attempt += 1) {
      const isLast = !isRepeatable || attempt >= retries;
      let waitMs = 250 * 2 ** attempt;
      try {
        const response = await send(`${base}${path}`, {
          method,
          headers,
          body,
          ...(signal && { signal }),
        });
        if (response.ok) return await read(response);
        if (isLast || !BUSY.has(response.status))
          throw new TaskerError(await readProblem(response));
        waitMs = Math.max(
          waitMs * (0.5 + Math.random() / 2),
          retryAfterMs(response.headers.get('Retry-After')),
        );
        await response.body?.cancel();
      } catch (error) {
        signal?.throwIfAborted();
        if (isLast || error instanceof TaskerError) throw error;
      }
      await pause(waitMs, signal);
    }
  };
};

export type SendRequest = ReturnType<typeof createRequest>;

/** Sends as a run, by its token. */
export const asRun =
  (send: ReturnType<typeof createRequest>, token: string): SendJson =>
  <T>(path: string, request: RequestOptions = {}) =>
    send(
      path,
      { ...request, headers: { Authorization: `Bearer ${token}` } },
      async (response): Promise<T> => {
        const body: unknown = await response.json();
        return body as T;
      },
    );
