const NEWLINE = 0x0a;

/**
 * The lines of what streams in, without their ends. An unfinished last one is left out, as that
 * of an answer that was cut; `isWhole` says that nothing was, and gives it too.
 */
export const readByteLines = async function* (
  chunks: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array> | null,
  { isWhole = false } = {},
): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  for await (const chunk of (chunks ?? []) as AsyncIterable<Uint8Array>) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const rest = chunk.subarray(from, end);
      yield parts.length === 0 ? rest : join([...parts, rest]);
      parts = [];
      from = end + 1;
    }
    if (from < chunk.byteLength) parts.push(chunk.slice(from));
  }
  if (isWhole && parts.length > 0) yield join(parts);
};

const join = (parts: readonly Uint8Array[]): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let filled = 0;
  for (const part of parts) {
    whole.set(part, filled);
    filled += part.byteLength;
  }
  return whole;
};
