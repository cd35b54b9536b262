import { MAX_PARAMS_BYTES } from '../domain/body.ts';
import { AppError } from '../domain/errors.ts';
import { parseKeepable } from '../domain/exact-json.ts';
import { refuseFields } from '../domain/field-errors.ts';
import { countValues, measureDepth, MAX_BODY_DEPTH } from '../domain/json.ts';

/** Largest body of a bulk submit. */
export const MAX_BULK_BYTES = 1_024 * 1_024;
/** Largest body of any other call but the submit of one task. */
const MAX_BODY_BYTES = 256 * 1_024;
/** Parameters, and what is around them. */
export const MAX_SUBMIT_BYTES = MAX_PARAMS_BYTES + 65_536;
/** A larger body waits until there is memory for it, … */
const LARGE_BYTES = 1_024 * 1_024;
/** … and has no more values than this: each takes up far more than its text. */
const MAX_VALUES = 500_000;

const JSON_TYPE = /^application\/([\w.-]+\+)?json\s*(;|$)/i;

/** What curl and HTML forms send unless they are told otherwise. */
const FORM_TYPE = /^(application\/x-www-form-urlencoded|multipart\/form-data)\s*(;|$)/i;

/** Strict, and without a state of its own: one serves all. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

const refuseLarge = (maxBytes: number): AppError =>
  new AppError('body_too_large', `The body may have at most ${maxBytes} bytes`);

/** Resolves once there is memory for so many bytes. */
type Hold = (bytes: number) => Promise<void>;

/** The body's bytes, counted while they stream in. */
const readCounted = async (
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  hold: Hold,
): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    if (size <= LARGE_BYTES && size + part.byteLength > LARGE_BYTES) await hold(maxBytes);
    size += part.byteLength;
    if (size > maxBytes) throw refuseLarge(maxBytes);
    chunks.push(part);
  }
  const bytes = new Uint8Array(size);
  let filled = 0;
  for (const part of chunks) {
    bytes.set(part, filled);
    filled += part.byteLength;
  }
  return bytes;
};

/**
 * The body as bytes. Where a Content-Length says so, HTTP itself bounds it; a body without one is
 * counted. 413 for too much.
 * @param hold waits for memory, for a large one
 */
export const readBytes = async (
  request: Request,
  maxBytes: number,
  hold: Hold = async () => {},
): Promise<Uint8Array> => {
  const length = request.headers.get('Content-Length');
  if (length !== null && Number(length) > maxBytes) throw refuseLarge(maxBytes);
  if (Number(length) > LARGE_BYTES) await hold(Number(length));
  try {
    const isBounded = length !== null && request.headers.get('Transfer-Encoding') === null;
    const bytes =
      isBounded || request.body === null
        ? new Uint8Array(await request.arrayBuffer())
        : await readCounted(request.body, maxBytes, hold);
    if (bytes.byteLength > maxBytes) throw refuseLarge(maxBytes);
    return bytes;
  } catch (error) {
    if (error instanceof AppError) throw error;
    // The caller went away in the middle.
    throw new AppError('malformed_json', 'The body ended early');
  }
};

const readText = async (...given: Parameters<typeof readBytes>): Promise<string> => {
  const bytes = await readBytes(...given);
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new AppError('malformed_json', 'The body is not UTF-8');
  }
};

/**
 * The body as JSON: 415 for another content type, 413 for too much or too deep, 400 for what does
 * not parse.
 * @param hold waits for memory, for a large one
 */
export const readJson = async (
  request: Request,
  {
    maxBytes = MAX_BODY_BYTES,
    optional = false,
    hold = async () => {},
  }: { maxBytes?: number; optional?: boolean; hold?: Hold } = {},
): Promise<unknown> => {
  // Where none is needed, no body is one, whatever type it claims to have.
  if (optional && (request.body === null || request.headers.get('Content-Length') === '0'))
    return {};
  const type = request.headers.get('Content-Type');
  if (type !== null && !JSON_TYPE.test(type)) {
    const isForm = FORM_TYPE.test(type);
    throw new AppError(
      'unsupported_media_type',
      isForm
        ? "This is a form, which curl -d sends by default. Use curl --json '…' instead, or add " +
            '-H "Content-Type: application/json"'
        : `Send JSON with "Content-Type: application/json", not "${type.slice(0, 100)}"`,
    );
  }
  if ((request.headers.get('Content-Encoding') ?? 'identity') !== 'identity') {
    throw new AppError(
      'unsupported_media_type',
      'Send the body as it is, without a Content-Encoding',
    );
  }
  const text = await readText(request, maxBytes, hold);
  if (optional && text === '') return {};
  if (measureDepth(text) > MAX_BODY_DEPTH)
    throw new AppError(
      'body_too_deep',
      `The body may be nested at most ${MAX_BODY_DEPTH} levels deep`,
    );
  if (text.length > LARGE_BYTES && countValues(text) > MAX_VALUES)
    throw new AppError(
      'body_too_large',
      `A body of more than 1 MB may have at most ${MAX_VALUES} values: send them as a text, or as a file`,
    );
  return parseBody(text);
};

const parseBody = (text: string): unknown => {
  try {
    const { value, unkept } = parseKeepable(text);
    if (unkept.length === 0) return value;
    return refuseFields(
      unkept.map((each) => ({ in: 'body' as const, code: 'cannot_be_kept', ...each })),
    );
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError(
      'malformed_json',
      text.trim() === ''
        ? 'The body is empty. Send a JSON object'
        : `The body is not JSON: ${(error as Error).message.slice(0, 200).toWellFormed()}`,
    );
  }
};
