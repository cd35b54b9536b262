import { batch, signal } from '@preact/signals';

/** Where this tab keeps its API key: gone with the tab, and never sent but as a header. */
const KEY = 'tasker-key';

export const apiKey = signal<string | null>(sessionStorage.getItem(KEY));
/** The service's message when it needs a key; null while it needs none. */
export const wantsKey = signal<string | null>(null);

/** A key that was just made: shown until it is put away, also when the service asks for one now. */
export const newKey = signal<string | null>(null);

export const storeKey = (key: string | null): void => {
  if (key === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, key);
  batch(() => {
    apiKey.value = key;
    wantsKey.value = key === null ? 'You signed out.' : null;
  });
};

interface Problem {
  code: string;
  detail: string;
  errors?: { path: string; message: string }[];
}

/** A refusal, in the service's own words. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: { path: string; message: string }[];

  constructor(status: number, problem: Partial<Problem>) {
    super(problem.detail ?? `The service answered ${status}`);
    this.status = status;
    this.code = problem.code ?? 'unknown';
    this.errors = problem.errors ?? [];
  }
}

/** Asks the API; throws `ApiError` for a refusal and for silence. */
export const api = async <Answer>(
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> => {
  const headers: Record<string, string> = {
    // A frame has just told of a change: an older answer from a cache would hide it.
    'Cache-Control': 'no-cache',
    ...(apiKey.value !== null && { Authorization: `Bearer ${apiKey.value}` }),
    ...(body !== undefined && { 'Content-Type': 'application/json' }),
  };
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError(0, { code: 'unreachable', detail: 'The service does not answer' });
  }
  if (response.status === 204) return undefined as Answer;
  const answer = (await response.json().catch(() => ({}))) as Answer & Partial<Problem>;
  if (response.ok) return answer;
  const error = new ApiError(response.status, answer);
  if (response.status === 401) wantsKey.value = error.message;
  throw error;
};

export const get = <Answer>(path: string): Promise<Answer> => api<Answer>('GET', path);
export const post = <Answer>(path: string, body?: unknown): Promise<Answer> =>
  api<Answer>('POST', path, body);
