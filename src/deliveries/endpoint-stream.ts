import { EventSourceParserStream } from 'eventsource-parser/stream';
import { describeError, GiveUp, RetryLater } from '../domain/errors.ts';
import { isObject, parseJson } from '../domain/json.ts';
import { LOG_LEVELS, type LogLevel } from '../domain/run-log.ts';

/** Of a streamed answer as a whole, and of one event of it. */
const MAX_STREAM_BYTES = 16_777_216;
const MAX_EVENT_CHARS = 1_100_000;
/** Of a result in text, UTF-16 units. */
const MAX_TEXT_CHARS = 1_000_000;

/** What an endpoint that streams may say. */
export interface StreamSpeech {
  output(text: string): void;
  log(level: LogLevel, message: string, fields?: object): void;
}

const tooLong = (): GiveUp =>
  new GiveUp(
    'The streamed answer is too long: write it to a file and return its name',
    'result_too_large',
  );

/** Ends a body with an error once it exceeds its bound. */
const limitBytes = (): TransformStream<Uint8Array, Uint8Array> => {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      if (bytes > MAX_STREAM_BYTES) throw tooLong();
      controller.enqueue(chunk);
    },
  });
};

const brokenOff = (reason: string): RetryLater =>
  new RetryLater(
    undefined,
    `The streamed answer ended without a result${reason}`,
    'endpoint_error',
  );

const parse = (name: string, data: string): unknown => {
  try {
    return JSON.parse(data);
  } catch (error) {
    throw new GiveUp(`The event \`${name}\` is no JSON: ${describeError(error)}`, 'bad_answer');
  }
};

/** An object, or the text itself as its message. */
const readWords = (data: string): Record<string, unknown> => {
  const value = parseJson(data);
  return isObject(value) ? value : { message: data };
};

const writeLog = (data: string, { log }: StreamSpeech): void => {
  const { level, message, fields } = readWords(data);
  const known = LOG_LEVELS.find((each) => each === level) ?? 'info';
  log(known, String(message), isObject(fields) ? fields : undefined);
};

/** What the event `error` says, as handlers throw it. */
const toError = (data: string): Error => {
  const { message, code, retry } = readWords(data);
  const word = typeof code === 'string' && /^[\w.-]{1,60}$/.test(code) ? code : 'endpoint_error';
  const text = String(message).slice(0, 2_048);
  return retry === false ? new GiveUp(text, word) : new RetryLater(undefined, text, word);
};

/**
 * The result in a stream of events: `output` (or no name) is text to be shown, `log` a line of the
 * log, `result` ends it well, `error` ends it badly. Throws as handlers do.
 */
export const readEventStream = async (
  response: Response,
  speech: StreamSpeech,
): Promise<unknown> => {
  if (!response.body) throw brokenOff('');
  const events = response.body
    .pipeThrough(limitBytes())
    .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
    .pipeThrough(new EventSourceParserStream({ maxBufferSize: MAX_EVENT_CHARS }));
  try {
    for await (const { event = 'output', data } of events) {
      if (event === 'output' || event === 'message') speech.output(data);
      else if (event === 'log') writeLog(data, speech);
      else if (event === 'result') return parse('result', data);
      else if (event === 'error') throw toError(data);
    }
  } catch (error) {
    if (error instanceof GiveUp || error instanceof RetryLater) throw error;
    throw brokenOff(`: ${describeError(error)}`);
  }
  throw brokenOff('');
};

/** An answer in text that is shown as it comes; the whole of it is the result. */
export const readTextStream = async (
  response: Response,
  { output }: StreamSpeech,
): Promise<string> => {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    const piece = decoder.decode(chunk, { stream: true });
    if (piece !== '') output(piece);
    text += piece;
    if (text.length > MAX_TEXT_CHARS) throw tooLong();
  }
  return text + decoder.decode();
};
