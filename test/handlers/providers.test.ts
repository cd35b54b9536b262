import { expect, inject, it, vi } from 'vitest';
import { chatgpt } from '../../src/handlers/chatgpt.ts';
import type { Handler } from '../../src/handlers/handler.ts';
import { weather } from '../../src/handlers/weather.ts';
import { createExecutor } from '../../src/engine/executor.ts';
import { executorDeps, silentRun, keepLog } from '../support/deps.ts';
import { aTask } from '../support/rows.ts';

// Real HTTP to a local server that speaks the providers' protocols, through the executor that the
// service runs.

const outside = inject('outside');

const run = async (
  handler: Handler,
  how: string,
  { timeoutMs = 5_000, key = true, params = handler.example } = {},
) => {
  const counted: string[] = [];
  const output: string[] = [];
  const { log, lines } = keepLog();
  const executor = createExecutor({
    ...executorDeps,
    callEndpoint: executorDeps.callEndpoint,
    catalog: { load: () => undefined, find: () => handler },
    countRequest: (type, status) => void counted.push(`${type} ${status}`),
    dependencies: {
      ...executorDeps.dependencies,
      fetch: (input, init) => fetch(input, init),
      secrets: {
        ...(key && { OPENAI_API_KEY: 'a-model-key', OPENWEATHER_API_KEY: 'a-weather-key' }),
        OPENAI_BASE_URL: `${outside}/${how}/v1`,
        OPENAI_DEFAULT_MODEL: 'a-model',
        OPENWEATHER_BASE_URL: `${outside}/${how}`,
      },
    },
    log,
  });
  const task = aTask({ type: handler.type, params, timeoutMs });
  const outcome = await executor.execute(task, {
    watchLease: () => new AbortController().signal,
    progress: () => {},
    ...silentRun,
    output: (text) => void output.push(text),
  });
  return { outcome, counted, output, said: JSON.stringify([outcome, lines]) };
};

it.each(['ok', 'plain'])('a language model answers: %s', async (how) => {
  const { outcome, counted, output } = await run(chatgpt, how, {
    params: { prompt: 'Hello', max_tokens: 9, temperature: 1 },
  });
  expect(outcome.kind === 'completed' && JSON.parse(outcome.result)).toEqual({
    prompt: 'Hello',
    model: 'a-model',
    response: 'You said: Hello (9, 1)',
    finish_reason: 'stop',
    usage: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 },
  });
  expect(counted).toEqual(['chatgpt 200']);
  // Whoever watches reads it as it comes.
  expect(output).toEqual(how === 'ok' ? ['You ', 'said: ', 'Hello ', '(9, ', '1)'] : []);
});

it.each([
  [{}, 'model messages'],
  [{ model: 'o3-mini' }, 'model messages'],
  [{ model: 'o3-mini', max_tokens: 9 }, 'model messages max_completion_tokens'],
  [{ model: 'gpt-5', max_tokens: 9 }, 'model messages max_completion_tokens'],
  [{ model: 'openai/o1', max_tokens: 9 }, 'model messages max_completion_tokens'],
  [{ model: 'gpt-4o', max_tokens: 9, temperature: 0 }, 'model messages max_tokens temperature'],
  [{ model: 'llama3', max_tokens: 9 }, 'model messages max_tokens'],
  [{ model: 'gpt-35-turbo', max_tokens: 9 }, 'model messages max_tokens'],
  [{ model: 'ft:gpt-4o:org::id', max_tokens: 9 }, 'model messages max_tokens'],
  [{ model: 'ft:o3-mini:org::id', max_tokens: 9 }, 'model messages max_completion_tokens'],
  [{ model: 'codex-mini-latest', max_tokens: 9 }, 'model messages max_completion_tokens'],
  [{ model: 'azure.gpt-5', max_tokens: 9 }, 'model messages max_completion_tokens'],
])('%j sends a language model what was given, and no more', async (more, sent) => {
  const { outcome } = await run(chatgpt, 'ok', { params: { prompt: 'What was sent?', ...more } });
  expect(outcome.kind === 'completed' && JSON.parse(outcome.result)).toMatchObject({
    response: sent,
  });
});

it('asks only the models, and for as many tokens, as the operator allows', () => {
  const secrets = {
    ...executorDeps.dependencies.secrets,
    OPENAI_DEFAULT_MODEL: 'a',
    ALLOWED_MODELS: ['a', 'b'],
    MAX_TOKENS: 100,
  };
  const check = (params: object) => chatgpt.check(params, secrets)?.path;
  expect(check({ prompt: 'x' })).toBeUndefined();
  expect(check({ prompt: 'x', model: 'b', max_tokens: 100 })).toBeUndefined();
  expect(check({ prompt: 'x', model: 'c' })).toBe('model');
  expect(check({ prompt: 'x', max_tokens: 101 })).toBe('max_tokens');
  expect(chatgpt.check({ prompt: 'x', model: 'c' }, executorDeps.dependencies.secrets)).toBe(
    undefined,
  );
});

it.each([
  ['metric', 21.5],
  ['imperial', 70.7],
  ['kelvin', 294.65],
])('the weather answers in %s', async (units, temperature) => {
  const { outcome } = await run(weather, 'ok', { params: { city: 'Lisbon', units } });
  expect(outcome.kind === 'completed' && JSON.parse(outcome.result)).toEqual({
    city: 'Lisbon',
    country: 'PT',
    units,
    temperature,
    feels_like: temperature,
    humidity: 60,
    pressure: 1_018,
    wind_speed: 4.1,
    conditions: 'clear sky',
    observed_at: '2023-11-14T22:13:20.000Z',
  });
});

/** How a provider goes wrong, what becomes of the task, and whether another try may help. */
const FAULTS: [how: string, code: string, retryable: boolean, counted?: string][] = [
  ['400', 'provider_refused', false],
  ['401', 'provider_refused_key', false],
  ['403', 'provider_refused_key', false],
  ['404', 'provider_refused', false],
  ['429', 'provider_rate_limited', true],
  ['500', 'provider_unavailable', true],
  ['503', 'provider_unavailable', true],
  ['redirects', 'provider_refused', false, '302'],
  ['garbage', 'provider_bad_answer', true, '200'],
  ['html', 'provider_bad_answer', true, '200'],
  ['wrong-shape', 'provider_bad_answer', true, '200'],
  ['huge', '', true, '200'],
  ['drops', 'provider_unavailable', true, 'unreachable'],
  ['hangs', 'timeout', true, 'unreachable'],
];

it.each(
  [weather, chatgpt].flatMap((handler) =>
    FAULTS.map((fault) => [handler.type, ...fault, handler] as const),
  ),
)('%s: a provider that answers %s', async (type, how, ...rest) => {
  const handler = rest.at(-1) as Handler;
  const [code, retryable, status] = rest as unknown as [string, boolean, string | Handler];
  const { outcome, counted, said } = await run(handler, how, {
    timeoutMs: how === 'hangs' ? 300 : 5_000,
  });
  expect(outcome).toMatchObject({ kind: 'failed', retryable });
  if (outcome.kind !== 'failed') return;
  if (code !== '')
    expect(outcome.error.code).toBe(type === 'weather' && how === '404' ? 'city_not_found' : code);
  expect(outcome.error.message.length).toBeLessThan(200);
  expect(outcome.retryAfterMs).toBe(how === '429' ? 7_000 : undefined);
  // Neither the page nor the key.
  expect(said).not.toMatch(/canary|<html|a-model-key|a-weather-key/);
  // Of a request that was given up at the timeout, a moment later.
  const expected = `${type} ${typeof status === 'string' ? status : how}`;
  await vi.waitFor(() => expect(counted).toEqual([expected]));
});

it.each(['breaks-off', 'ends-early', 'bad-event'])(
  'an answer that %s is asked for again',
  async (how) => {
    const { outcome } = await run(chatgpt, how);
    expect(outcome).toMatchObject({
      kind: 'failed',
      retryable: true,
      error: { code: 'provider_unavailable' },
    });
  },
);

it.each([
  [chatgpt, 'OPENAI_API_KEY'],
  [weather, 'OPENWEATHER_API_KEY'],
])('a missing key fails at once, by its name', async (handler, name) => {
  const { outcome, counted } = await run(handler, 'ok', { key: false });
  expect(outcome).toMatchObject({
    kind: 'failed',
    retryable: false,
    error: { code: 'not_configured' },
  });
  expect(outcome.kind === 'failed' && outcome.error.message).toContain(name);
  expect(counted).toEqual([]);
});

const YEAR_MS = 365 * 24 * 3_600_000;
it.each([
  ['7', 7_000],
  ['7200', 7_200_000],
  ['99999999', YEAR_MS],
  ['9'.repeat(30), YEAR_MS],
  ['0', undefined],
  ['-5', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['Wed, 21 Oct 2015 07:28:00 GMT', undefined],
])('a Retry-After of %s', async (retryAfter, ms) => {
  const { outcome } = await run(weather, `429-${encodeURIComponent(retryAfter)}`);
  expect(outcome).toMatchObject({ kind: 'failed', retryable: true });
  expect(outcome.kind === 'failed' && outcome.retryAfterMs).toBe(ms);
});

it('a model that gives no text is not asked again', async () => {
  const { outcome } = await run(chatgpt, 'no-text');
  expect(outcome).toMatchObject({
    kind: 'failed',
    retryable: false,
    error: { code: 'provider_refused' },
  });
});

it('a reason that is not a known word is not repeated', async () => {
  const { outcome, said } = await run(chatgpt, 'secret-reason');
  expect(outcome.kind === 'failed' && outcome.error.message).toBe(
    'The language model answered 400',
  );
  expect(said).not.toContain('a-model-key');
});

it('a refused key names its setting', async () => {
  const { outcome } = await run(weather, '401');
  expect(outcome.kind === 'failed' && outcome.error.message).toBe(
    'OpenWeatherMap answered 401: check OPENWEATHER_API_KEY',
  );
});
