import * as z from 'zod';

/**
 * What is used of a part of a streamed chat completion
 * (https://platform.openai.com/docs/api-reference/chat-streaming/streaming).
 */
const part = z.object({
  model: z.string().nullish(),
  choices: z
    .array(
      z.object({
        delta: z.object({ content: z.string().nullish() }).nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: z.record(z.string(), z.unknown()).nullish(),
});

/** A streamed answer, whole. `content` null: it had no text. */
export interface StreamedAnswer {
  model: string | null;
  content: string | null;
  finish_reason: string | null;
  usage: Record<string, unknown> | null;
}

/**
 * Reads a streamed answer to its end.
 * @param onText called with each piece of text as it comes
 * @returns null when a part is none, or the answer broke off
 */
export const readChatStream = async (
  parts: AsyncIterable<unknown>,
  onText: (text: string) => void,
): Promise<StreamedAnswer | null> => {
  const answer: StreamedAnswer = { model: null, content: null, finish_reason: null, usage: null };
  const pieces: string[] = [];
  for await (const each of parts) {
    const parsed = part.safeParse(each);
    if (!parsed.success) return null;
    const { model, choices, usage } = parsed.data;
    const [choice] = choices ?? [];
    answer.model ??= model ?? null;
    answer.finish_reason = choice?.finish_reason ?? answer.finish_reason;
    answer.usage = usage ?? answer.usage;
    const text = choice?.delta?.content ?? '';
    if (text === '') continue;
    pieces.push(text);
    onText(text);
  }
  if (pieces.length > 0) answer.content = pieces.join('');
  return answer.finish_reason === null ? null : answer;
};
