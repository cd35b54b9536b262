import autocannon from 'autocannon';

const CONNECTIONS = 32;

export interface Target {
  url: string;
  headers?: Record<string, string>;
  method?: 'GET' | 'POST';
  body?: object;
  connections?: number;
}

const settings = ({ url, headers = {}, method = 'GET', body, connections = CONNECTIONS }: Target) => ({
  url,
  method,
  connections,
  headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
  ...(body && { body: JSON.stringify(body) }),
});

const assertAnswered = ({ non2xx, errors, timeouts }: autocannon.Result, url: string): void => {
  if (non2xx + errors + timeouts > 0) throw new Error(`${url}: ${non2xx} refusals, ${errors} errors, ${timeouts} timeouts`);
}; // prettier-ignore

/** Requests a second over 32 connections, for so many seconds. */
export const ratePerSecond = async (target: Target, seconds: number): Promise<number> => {
  const result = await autocannon({ ...settings(target), duration: seconds });
  assertAnswered(result, target.url);
  return result['2xx'] / result.duration;
};

/** Sends so many requests over 32 connections; resolves with the seconds that it took. */
export const sendAll = async (target: Target, amount: number): Promise<number> => {
  const startedAt = performance.now();
  assertAnswered(
    await autocannon({
      ...settings({ ...target, connections: Math.min(amount, target.connections ?? CONNECTIONS) }),
      amount,
    }),
    target.url,
  );
  return (performance.now() - startedAt) / 1_000;
};

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

/** Waits until `count` says `wanted`, asking every 20 ms; throws after a minute without news. */
export const reached = async (wanted: number, count: () => Promise<number>): Promise<void> => {
  let last = -1;
  for (let newsAt = Date.now(); ;) {
    const now = await count();
    if (now >= wanted) return;
    if (now !== last) newsAt = Date.now();
    else if (Date.now() - newsAt > 60_000) throw new Error(`Only ${now} of ${wanted} after a minute without news`);
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
