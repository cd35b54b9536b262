import { MAX_INLINE_BYTES } from '../domain/body.ts';
import { parseExportLine, splitLine, type ExportEnd } from '../domain/export-line.ts';
import type { ListOptions } from './list-options.ts';
import { toQuery } from './list-options.ts';
import { readByteLines } from './byte-lines.ts';
import { pause, TaskerError, type RequestOptions, type SendJson } from './request.ts';

/** What one call of a restore takes. */
const MAX_CALL_BYTES = 900_000;
/** A stream that was cut is opened again so often in a row. */
const MAX_CUTS = 5;

type Send = <T>(
  path: string,
  options: RequestOptions,
  read: (response: Response) => Promise<T> | T,
) => Promise<T>;

const decoder = new TextDecoder();
const concat = (parts: readonly (Uint8Array | string)[]): Uint8Array => {
  const encoder = new TextEncoder();
  const bytes = parts.map((part) => (typeof part === 'string' ? encoder.encode(part) : part));
  const whole = new Uint8Array(bytes.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let filled = 0;
  for (const part of bytes) {
    whole.set(part, filled);
    filled += part.byteLength;
  }
  return whole;
};

/** How many tasks were put back, and how many were there already. */
export interface Restored {
  restored: number;
  skipped: number;
}

/** Bodies, exports and restores, of one client. */
export const createExportCalls = (send: Send, json: SendJson) => {
  const readBody = (id: string, what: 'params' | 'result'): Promise<unknown> =>
    json(`/tasks/${encodeURIComponent(id)}/${what}`);

  const open = async (path: string): Promise<ReadableStream<Uint8Array>> => {
    const body = await send(path, {}, (response) => response.body);
    return body ?? new ReadableStream<Uint8Array>();
  };

  /** A line as one call may carry it: what is large is sent before, and has a stub in its place. */
  const shrink = async (line: Uint8Array): Promise<Uint8Array> => {
    if (line.byteLength <= MAX_CALL_BYTES) return line;
    const { head, ...texts } = parseExportLine(line);
    const path = `/restore/${encodeURIComponent(head.owner)}/${head.task_id}`;
    const sendBody = async (text: Uint8Array): Promise<Uint8Array> => {
      if (text.byteLength <= MAX_INLINE_BYTES) return text;
      const headers = { 'Content-Type': 'application/json' };
      const stub = await json<unknown>(path, {
        method: 'PUT',
        body: text as Uint8Array<ArrayBuffer>,
        headers,
        isRepeatable: true,
      });
      return concat([JSON.stringify(stub)]);
    };
    const params = await sendBody(texts.params);
    const result = texts.result && (await sendBody(texts.result));
    const bytes = { params: params.byteLength, result: result?.byteLength ?? null };
    const [start, between, end] = splitLine({ ...head, bytes });
    return concat([start, params, between, result ?? 'null', end.trimEnd()]);
  };

  return {
    /** The parameters or the result of a task as a stream of JSON. */
    openBody: (id: string, what: 'params' | 'result'): Promise<ReadableStream<Uint8Array>> =>
      open(`/tasks/${encodeURIComponent(id)}/${what}`),
    /** A file of the archive, as `GET /archive` lists it. */
    openArchive: (path: string): Promise<ReadableStream<Uint8Array>> => open(`/archive/${path}`),

    /** The result of a task that has completed, however large. */
    readResult: (id: string): Promise<unknown> => readBody(id, 'result'),
    /** The parameters of a task, however large. */
    readParams: (id: string): Promise<unknown> => readBody(id, 'params'),

    /**
     * All tasks that fit, oldest first, each as a line of JSON without its end, in bytes; a stream that is
     * cut goes on where it was.
     */
    async *exportTasks(options: ListOptions = {}): AsyncGenerator<Uint8Array> {
      const { signal, pageSize: _, order: __, ...filters } = options;
      const query = toQuery(filters);
      query.delete('page_size');
      for (let cuts = 0; cuts <= MAX_CUTS; cuts += 1) {
        const body = await send(
          `/export?${query.toString()}`,
          { signal },
          ({ body: stream }) => stream,
        );
        try {
          for await (const line of readByteLines(body)) {
            if (line.byteLength < MAX_END_BYTES && decoder.decode(line).startsWith('{"end":')) {
              const { end } = JSON.parse(decoder.decode(line)) as { end: ExportEnd };
              if (end.next_cursor === null) return;
              query.set('cursor', end.next_cursor);
              cuts = -1;
              break;
            }
            yield line;
            query.set('cursor', readTaskId(line));
            cuts = 0;
          }
        } catch (error) {
          signal?.throwIfAborted();
          if (error instanceof TaskerError || cuts === MAX_CUTS) throw error;
          await pause(250 * 2 ** cuts, signal);
        }
      }
      throw new Error('The export was cut again and again');
    },

    /**
     * Puts tasks back that have ended, from the lines of an export or of the archive; needs the scope
     * `operator`. What is there stays as it is.
     */
    async restoreTasks(
      lines: AsyncIterable<Uint8Array>,
      onProgress: (sofar: Restored) => void = () => {},
    ): Promise<Restored> {
      const total: Restored = { restored: 0, skipped: 0 };
      let group: Uint8Array[] = [];
      let bytes = 0;
      const flush = async (): Promise<void> => {
        if (group.length === 0) return;
        const body = concat(group.flatMap((line) => [line, '\n'])) as Uint8Array<ArrayBuffer>;
        const headers = { 'Content-Type': 'application/x-ndjson' };
        const options = { method: 'POST', body, headers, isRepeatable: true };
        const { restored, skipped } = await json<Restored>('/restore', options);
        total.restored += restored;
        total.skipped += skipped;
        group = [];
        bytes = 0;
        onProgress({ ...total });
      };
      for await (const given of lines) {
        if (given.byteLength < MAX_END_BYTES && decoder.decode(given).startsWith('{"end":'))
          continue;
        const line = await shrink(given);
        if (bytes + line.byteLength > MAX_CALL_BYTES) await flush();
        group.push(line);
        bytes += line.byteLength;
      }
      await flush();
      return total;
    },
  };
};

/** The last line is short. */
const MAX_END_BYTES = 200;
const TASK_ID = /"task_id":"([0-9a-f-]{36})"/;
const readTaskId = (line: Uint8Array): string =>
  TASK_ID.exec(decoder.decode(line.subarray(0, 300)))?.[1] ?? '';
