import { batch, signal } from '@preact/signals';
import type { Scope } from '../domain/api-key.ts';

/**
 * A key that this tab alone keeps: gone with the tab, and never sent but as a header. Usually there
 * is none, and a cookie that no script can read signs all tabs in.
 */
const KEY = 'tasker-key';

export const apiKey = signal<string | null>(sessionStorage.getItem(KEY));
/** The service's message when it needs a key; null while it needs none. */
export const wantsKey = signal<string | null>(null);

/** A key that was just made: shown until it is put away, also when the service asks for one now. */
export const newKey = signal<string | null>(null);

/** Who this page is to the service. */
export interface Who {
  owner: string;
  scopes: Scope[];
  /** Null on a machine that needs no key. */
  key_id: string | null;
  key_name: string | null;
  expires_at: string | null;
}
export const identity = signal<Who | null>(null);

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

/** What proves who we are: the tab's own key, or else the cookie, which needs this header. */
const credentials = (key: string | null): Record<string, string> =>
  key === null ? { 'X-Tasker-Session': '1' } : { Authorization: `Bearer ${key}` };

interface Sent {
  body?: BodyInit | null;
  headers?: Record<string, string>;
  key?: string | null;
}

/** Sends a request; throws `ApiError` for a refusal and for silence. */
export const request = async (
  method: string,
  path: string,
  { body = null, headers = {}, key = apiKey.value }: Sent = {},
): Promise<Response> => {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      body,
      // A frame has just told of a change: an older answer from a cache would hide it.
      headers: { 'Cache-Control': 'no-cache', ...credentials(key), ...headers },
    });
  } catch {
    throw new ApiError(0, { code: 'unreachable', detail: 'The service does not answer' });
  }
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  const error = new ApiError(response.status, problem);
  if (response.status === 401 && wantsKey.value === null) wantsKey.value = error.message;
  throw error;
};

/** Asks the API for JSON. */
export const api = async <Answer>(
  method: string,
  path: string,
  body?: unknown,
  sent: Sent = {},
): Promise<Answer> => {
  const json =
    body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
  const response = await request(method, path, { ...json, ...sent });
  return (response.status === 204 ? undefined : await response.json()) as Answer;
};

export const get = <Answer>(path: string): Promise<Answer> => api<Answer>('GET', path);
export const post = <Answer>(path: string, body?: unknown): Promise<Answer> =>
  api<Answer>('POST', path, body);

/** Finds out who we are, and so whether a key is needed. */
export const loadIdentity = async (): Promise<void> => {
  try {
    const found = await get<Who>('/session');
    batch(() => {
      identity.value = found;
      wantsKey.value = null;
    });
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === 401) return;
    if (error.status === 0 || error.status >= 500) setTimeout(() => void loadIdentity(), 2_000);
    else wantsKey.value = error.message;
  }
};

/** Signs in with a key: all tabs of this browser, or this one alone. */
export const signIn = async (key: string, isThisTabOnly = false): Promise<void> => {
  wantsKey.value = null;
  try {
    if (isThisTabOnly) await api('GET', '/session', undefined, { key });
    else
      await api('POST', '/session', {}, { key, headers: { 'Content-Type': 'application/json' } });
  } catch (error) {
    wantsKey.value = (error as Error).message;
    return;
  }
  if (isThisTabOnly) sessionStorage.setItem(KEY, key);
  apiKey.value = isThisTabOnly ? key : null;
  await loadIdentity();
};

export const signOut = async (): Promise<void> => {
  const isTab = apiKey.value !== null;
  sessionStorage.removeItem(KEY);
  if (!isTab) await api('DELETE', '/session').catch(() => {});
  batch(() => {
    apiKey.value = null;
    identity.value = null;
    wantsKey.value = 'You signed out.';
  });
};

export const may = (scope: Scope): boolean => {
  const scopes = identity.value?.scopes ?? [];
  return scopes.includes(scope) || scopes.includes('operator');
};
