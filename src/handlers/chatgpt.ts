import * as z from 'zod';
import { GiveUp, RetryLater } from '../domain/errors.ts';
import { parseJson } from '../domain/json.ts';
import { saidText } from '../domain/said-text.ts';
import { isEventStream } from '../domain/media-type.ts';
import { readChatStream, type StreamedAnswer } from './chat-stream.ts';
import { defineHandler } from './handler.ts';
import { toBadAnswer, toRefusal, toUnreachable } from './provider.ts';

const PROVIDER = 'The language model';

/**
 * What is used of a chat completion (https://platform.openai.com/docs/api-reference/chat/object).
 */
const completion = z.object({
  model: z.string(),
  choices: z.tuple(
    [
      z.object({
        message: z.object({ content: z.string().nullable() }),
        finish_reason: z.string().nullish(),
      }),
    ],
    z.unknown(),
  ),
  usage: z.record(z.string(), z.unknown()).nullish(),
});

/** An answer that came at once. */
const toAnswer = (value: unknown): StreamedAnswer => {
  const parsed = completion.safeParse(value);
  if (!parsed.success) throw toBadAnswer(PROVIDER);
  const { model, choices, usage = null } = parsed.data;
  const [{ message, finish_reason = null }] = choices;
  return { model, content: message.content, finish_reason, usage };
};

/** A model that reasons, by its name; `gpt-35-turbo` is how Azure calls `gpt-3.5-turbo`. */
const REASONS = /^(?:.*[/.])?(?:ft:)?(?:o\d|codex|gpt-(?:[5-9]|\d{2}(?!-turbo)))/i;

/** Models that reason refuse the older name, and services beside OpenAI know no other. */
const nameMaxTokens = (model: string): 'max_tokens' | 'max_completion_tokens' =>
  REASONS.test(model) ? 'max_completion_tokens' : 'max_tokens';

export const chatgpt = defineHandler({
  type: 'chatgpt',
  aliases: ['query_chatgpt'],
  description: 'Asks a language model by the API of OpenAI, or of any service that speaks it.',
  lane: 'external',
  params: z.strictObject({
    prompt: saidText(200_000),
    model: saidText(200).optional(),
    max_tokens: z.int().min(1).max(1_000_000).optional(),
    temperature: z.number().min(0).max(2).optional(),
  }),
  example: { prompt: 'Say hello in one word.', max_tokens: 10 },
  needs: ['OPENAI_API_KEY'],
  isMetered: true,
  retry: { maxAttempts: 4, baseSeconds: 2, maxSeconds: 120 },
  check: ({ model, max_tokens = 0 }, { ALLOWED_MODELS, MAX_TOKENS, OPENAI_DEFAULT_MODEL }) => {
    const asked = model ?? OPENAI_DEFAULT_MODEL;
    if (ALLOWED_MODELS && !ALLOWED_MODELS.includes(asked))
      return {
        path: 'model',
        message: `The model \`${asked}\` is not among those of ALLOWED_MODELS`,
      };
    return MAX_TOKENS !== undefined && max_tokens > MAX_TOKENS
      ? { path: 'max_tokens', message: `\`max_tokens\` is at most ${MAX_TOKENS}, see MAX_TOKENS` }
      : undefined;
  },
  run: async ({ params, secrets, fetch, signal, output }) => {
    // Loaded when it is first needed: most isolates never ask a model.
    const { default: OpenAI, APIError } = await import('openai');
    const { Stream } = await import('openai/core/streaming');
    const { OPENAI_API_KEY: apiKey = '', OPENAI_BASE_URL: baseURL, OPENAI_DEFAULT_MODEL } = secrets;
    const client = new OpenAI({ apiKey, baseURL, fetch, maxRetries: 0, logLevel: 'off' });
    const { prompt, model = OPENAI_DEFAULT_MODEL, temperature } = params;
    const messages = [{ role: 'user' as const, content: prompt }];
    // What the caller leaves out is the provider's to choose, but for what the operator pays.
    const maxTokens = params.max_tokens ?? secrets.MAX_TOKENS;
    const request = {
      model,
      messages,
      ...(maxTokens !== undefined && { [nameMaxTokens(model)]: maxTokens }),
      ...(temperature !== undefined && { temperature }),
      stream: true as const,
      stream_options: { include_usage: true },
    };
    const ask = async () => {
      const response = await client.chat.completions.create(request, { signal }).asResponse();
      // Some services know no streams, and answer at once.
      if (!isEventStream(response)) return toAnswer(parseJson(await response.text()));
      const parts = Stream.fromSSEResponse<unknown>(response, new AbortController());
      const answer = await readChatStream(parts, output);
      if (answer === null) throw toUnreachable(PROVIDER);
      return answer;
    };
    const answer = await ask().catch((error: unknown) => {
      signal.throwIfAborted();
      if (error instanceof RetryLater) throw error;
      if (!(error instanceof APIError))
        throw error instanceof TypeError ? toUnreachable(PROVIDER) : toBadAnswer(PROVIDER);
      const { status, headers, code } = error as {
        status?: number;
        headers?: Headers;
        code?: unknown;
      };
      if (status === undefined) throw toUnreachable(PROVIDER);
      const retryAfter = headers?.get('Retry-After') ?? null;
      throw toRefusal(PROVIDER, 'OPENAI_API_KEY', { status, retryAfter, reason: code });
    });
    const { content, finish_reason, usage } = answer;
    // Filtered, refused, or a call of a tool that nobody offered: it would be paid for again and
    // again.
    if (content === null)
      throw new GiveUp(
        `${PROVIDER} gave no text (finish reason: ${finish_reason?.slice(0, 50)})`,
        'provider_refused',
      );
    return { prompt, model: answer.model ?? model, response: content, finish_reason, usage };
  },
});
