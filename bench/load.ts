import autocannon from 'autocannon';

const CONNECTIONS = 32;

export interface Target {
  url: string;
  headers?: Record<string, string>;
  method?: 'GET' | 'POST';
  body?: object;
  connections?: number;
}

const settings = ({
  url,
  headers = {},
  method = 'GET',
  body,
  connections = CONNECTIONS,
}: Target) => ({
  url,
  method,
  connections,
  headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
  ...(body && { body: JSON.stringify(body) }),
});

const assertAnswered = ({ non2xx, errors, timeouts }: autocannon.Result, url: string): void => {
  if (non2xx + errors + timeouts > 0)
    throw new Error(`${url}: ${non2xx} refusals, ${errors} errors, ${timeouts} timeouts`);
};

/** Requests a second over 32 connections, for so many seconds. */
export const ratePerSecond = async (target: Target, seconds: number): Promise<number> => {
  const result = await autocannon({ ...settings(target), duration: seconds });
  assertAnswered(result, target.url);
  return result['2xx'] / result.duration;
};

/**
 * Sends so many requests over so many connections: the median milliseconds until one is answered, and
 * how many a second are.
 */
export const measureAnswers = async (
  target: Target,
  amount: number,
): Promise<{ p50_ms: number; per_second: number }> => {
  const times: number[] = [];
  const seconds = await sendAll(target, amount, (ms) => void times.push(ms));
  return { p50_ms: median(times), per_second: amount / seconds };
};

/**
 * Sends so many requests over 32 connections; resolves with the seconds until the last was
 * answered.
 */
export const sendAll = (
  target: Target,
  amount: number,
  onAnswer: (ms: number) => void = () => {},
): Promise<number> =>
  new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const connections = Math.min(amount, target.connections ?? CONNECTIONS);
    const load = autocannon(
      { ...settings({ ...target, connections }), amount },
      (error: unknown) => {
        reject(
          error instanceof Error
            ? error
            : new Error(`${target.url}: not all of ${amount} requests were answered`),
        );
      },
    );
    let answered = 0;
    // Not its end, which it tells at a whole second.
    load.on('response', (_client, status, _bytes, ms) => {
      onAnswer(ms);
      if (status < 200 || status > 299) reject(new Error(`${target.url} answered ${status}`));
      answered += 1;
      if (answered === amount) resolve((performance.now() - startedAt) / 1_000);
    });
  });

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

/** Waits until it is so, asking every 20 ms; throws after two minutes. */
export const reached = async (isSo: () => Promise<boolean>): Promise<void> => {
  for (const startedAt = Date.now(); !(await isSo());) {
    if (Date.now() - startedAt > 120_000)
      throw new Error('Not all tasks were recorded within two minutes');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
