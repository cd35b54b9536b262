import { env } from 'cloudflare:workers';
import * as z from 'zod';
import { describe, expect, inject, it } from 'vitest';
import type { Handler, HandlerSecrets } from '../../src/handlers/handler.ts';
import { builtInHandlers, catalog } from '../../src/handlers/catalog.ts';
import { executorDeps, silentContext } from '../support/deps.ts';

/** A type that is made to fail on its example. */
const FAILS_ON_PURPOSE = ['broken', 'flaky'];

const outside = `${inject('outside')}/ok`;
const secrets: HandlerSecrets = {
  OPENAI_API_KEY: 'a-model-key',
  OPENAI_BASE_URL: `${outside}/v1`,
  OPENAI_DEFAULT_MODEL: 'a-model',
  OPENWEATHER_API_KEY: 'a-weather-key',
  OPENWEATHER_BASE_URL: outside,
  EMAIL_FROM: ['tasker@example.com'],
};

const run = async (
  handler: Handler,
  {
    params = handler.example,
    attempt = 1,
    signal = new AbortController().signal,
  }: { params?: unknown; attempt?: number; signal?: AbortSignal } = {},
): Promise<unknown> =>
  handler.run({
    ...executorDeps.dependencies,
    fetch: (input, init) => fetch(input, { ...init, signal }),
    sendMail: async (mail) => env.EMAIL.send(mail as EmailMessageBuilder),
    ...executorDeps.forOwner(),
    secrets,
    taskId: 'id',
    params: handler.params.parse(params),
    attempt,
    checkpoint: null,
    signal,
    progress: () => {},
    ...silentContext,
  });

it('every name finds one type', () => {
  const names = builtInHandlers.flatMap(({ type, aliases }) => [type, ...aliases]);
  expect(new Set(names).size).toBe(names.length);
  for (const handler of builtInHandlers)
    for (const name of [handler.type, ...handler.aliases])
      expect(catalog.find('local', name)).toBe(handler);
  for (const name of ['', 'SUM', '__proto__', 'constructor'])
    expect(catalog.find('local', name)).toBeUndefined();
});

describe.each(builtInHandlers.map((handler) => [handler.type, handler] as const))(
  '%s',
  (type, handler) => {
    it('has an example that runs and gives JSON', async () => {
      if (FAILS_ON_PURPOSE.includes(type)) return expect(run(handler)).rejects.toThrow();
      const result = await run(handler);
      expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    });

    it('names unknown fields, and refuses what is no object', () => {
      const { error } = handler.params.safeParse({ ...(handler.example as object), surplus: 1 });
      expect(error?.issues).toMatchObject([{ code: 'unrecognized_keys', keys: ['surplus'] }]);
      for (const wrong of [null, [], 'text', 7])
        expect(handler.params.safeParse(wrong).success).toBe(false);
    });

    it('ends when it is aborted', async () => {
      const controller = new AbortController();
      const ended = run(handler, { signal: controller.signal }).then(
        () => 'ended',
        () => 'ended',
      );
      controller.abort(new Error('aborted'));
      expect(await ended).toBe('ended');
    });

    it('has a sane policy', () => {
      expect(handler.retry.maxAttempts).toBeGreaterThanOrEqual(1);
      expect(handler.retry.maxAttempts).toBeLessThanOrEqual(25);
      expect(handler.timeoutMs(handler.params.parse(handler.example))).toBeGreaterThan(0);
    });

    it('takes again the parameters that it stored', () => {
      const stored = JSON.parse(JSON.stringify(handler.params.parse(handler.example))) as unknown;
      expect(JSON.parse(JSON.stringify(handler.params.parse(stored)))).toEqual(stored);
    });

    it('describes its parameters as JSON Schema', () => {
      expect(z.toJSONSchema(handler.params, { io: 'input', unrepresentable: 'any' })).toMatchObject(
        { type: 'object' },
      );
    });
  },
);
