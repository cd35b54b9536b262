import { AppError } from '../domain/errors.ts';
import { createJsonCheck } from '../domain/json-check.ts';

/** The body as it comes in, which must be JSON; 400 otherwise. */
export const readChecked = async function* (
  body: ReadableStream<Uint8Array> | null,
): AsyncGenerator<Uint8Array> {
  const check = createJsonCheck();
  const guard = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      throw new AppError('malformed_json', (error as Error).message);
    }
  };
  try {
    for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
      guard(() => check.push(chunk));
      yield chunk;
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('upload_interrupted', 'The result ended early; nothing was kept');
  }
  guard(check.end);
};
