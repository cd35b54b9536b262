import { signal } from '@preact/signals';

/**
 * The page and its query, kept behind the `#` so that every view has an address of its own:
 * `#/tasks?status=FAILED`.
 */
export interface Route {
  path: string;
  query: URLSearchParams;
}

const parseHash = (): Route => {
  const [path = '', query = ''] = location.hash.replace(/^#/, '').split('?', 2);
  return { path: path === '' ? '/' : path, query: new URLSearchParams(query) };
};

export const route = signal<Route>(parseHash());
addEventListener('hashchange', () => (route.value = parseHash()));

export const toHref = (
  path: string,
  query: URLSearchParams | Record<string, string> = {},
): string => {
  const text = new URLSearchParams(query).toString();
  return `#${path}${text === '' ? '' : `?${text}`}`;
};

export const go = (path: string, query: URLSearchParams | Record<string, string> = {}): void => {
  location.hash = toHref(path, query).slice(1);
};

/** Changes the query of this very page, without a step in the browser's history. */
export const replaceQuery = (query: URLSearchParams): void => {
  history.replaceState(null, '', toHref(route.value.path, query));
  route.value = parseHash();
};
