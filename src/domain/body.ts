// Parameters and results are JSON texts. A short one is in its row; a large one lies outside, in R2, and
// the row has a stub that says where.

/** Texts up to this size, in UTF-8 bytes, are kept in their row. */
export const MAX_INLINE_BYTES = 16_384;
/** Up to this size a text is part of a JSON answer; a larger one has an address of its own. */
export const MAX_EMBEDDED_BYTES = 1_048_576;
/** The largest parameters of a task. */
export const MAX_PARAMS_BYTES = 10 * 1_048_576;
/** The largest result that a handler, or an endpoint, returns. */
export const MAX_RETURNED_BYTES = 5 * 1_048_576;
/** The largest result that is sent as a stream. */
export const MAX_RESULT_BYTES = 25 * 1_048_576;

/** A text that is parsed takes up so much more memory. */
export const PARSED_TIMES = 3;

/** A text that lies outside: its size, and its name among those of its task. */
export interface OutsideBody {
  bytes: number;
  name: string;
}

/** What every stub begins with, and no other text. */
export const STUB_START = '{"$body":';
const STUB = /^\{"\$body":\{"bytes":\d{1,9},"name":"[\w-]{1,80}"\}\}$/;

const encoder = new TextEncoder();
/** The size of a text in UTF-8. */
export const countBytes = (text: string): number => encoder.encode(text).byteLength;

/** Whether the text of a column is a stub. */
export const isOutside = (text: string): boolean => text.startsWith(STUB_START) && STUB.test(text);

export const toStub = ({ bytes, name }: OutsideBody): string =>
  JSON.stringify({ $body: { bytes, name } });

/** What a stub says; null for a text that is none. */
export const readStub = (text: string | null): OutsideBody | null =>
  text !== null && isOutside(text) ? (JSON.parse(text) as { $body: OutsideBody }).$body : null;

/** The size of the text that a column stands for. */
export const measureBody = (text: string): number => readStub(text)?.bytes ?? countBytes(text);

/** Whether a text is too large for its row. */
export const isLarge = (text: string): boolean =>
  text.length > MAX_INLINE_BYTES ||
  (text.length * 3 > MAX_INLINE_BYTES && countBytes(text) > MAX_INLINE_BYTES);

/**
 * A value as JSON that is never taken for a stub, whoever made it: an object of theirs that begins like
 * one has its first letter escaped, which SQLite leaves as it is.
 */
export const toBodyText = (value: unknown): string => escapeStub(JSON.stringify(value));
export const escapeStub = (text: string): string =>
  text.startsWith(STUB_START) ? `{"\\u0024body":${text.slice(STUB_START.length)}` : text;

/** A text as answers have it: where it is, if it is too large to be a part of one. */
export const toBodyView = (text: string, url: string): unknown => {
  const outside = readStub(text);
  return outside ? { $body: { bytes: outside.bytes, url } } : (JSON.parse(text) as unknown);
};
