/**
 * The text of an answer; null when it has more than `maxBytes`. Bytes that are no UTF-8 are an
 * error.
 * @param isCut true: then as much of it as fits
 */
export const readBodyText = async (
  { body }: Response,
  maxBytes: number,
  isCut = false,
): Promise<string | null> => {
  if (!body) return '';
  const decoder = new TextDecoder('utf-8', { fatal: !isCut, ignoreBOM: false });
  let [text, bytes] = ['', 0];
  for await (const chunk of body) {
    const part = chunk.subarray(0, maxBytes - bytes);
    text += decoder.decode(part, { stream: true });
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return isCut ? text : null;
  }
  return text + decoder.decode();
};
