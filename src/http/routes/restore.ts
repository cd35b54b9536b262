import { Hono } from 'hono';
import * as z from 'zod';
import { isOwnerName } from '../../domain/api-key.ts';
import { readStub } from '../../domain/body.ts';
import { AppError } from '../../domain/errors.ts';
import { parseExportLine, readExportHead } from '../../domain/export-line.ts';
import { refuseFields } from '../../domain/field-errors.ts';
import { parseJson } from '../../domain/json.ts';
import type { Task } from '../../domain/task.ts';
import { isFinal } from '../../domain/words.ts';
import { createRestores } from '../../store/restores.ts';
import { readChecked } from '../checked-json.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { findWritable } from '../enter-shard.ts';
import { whole } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { limit } from '../middleware/limit.ts';
import { scope } from '../middleware/scope.ts';
import { MAX_BULK_BYTES, readBytes } from '../read-body.ts';
import { orUnavailable, readTaskId, TASK_ID } from '../read-task.ts';
import type { Services } from '../../wiring/services.ts';

const LINES = 'application/x-ndjson';
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const refuseLine = (line: number, message: string): never =>
  refuseFields([{ in: 'body', path: `lines.${line}`, code: 'invalid_line', message }]);

/** The task of a line; 422 for what is none, or is none that has ended. */
const readLine = (bytes: Uint8Array, line: number): Task => {
  try {
    const { head, params, result } = parseExportLine(bytes);
    const texts = {
      params: decoder.decode(params),
      result: result === null ? null : decoder.decode(result),
    };
    const task = { ...readExportHead(head), ...texts } as Task;
    if (!isFinal(task.status)) return refuseLine(line, 'The task has not ended');
    if (!isOwnerName(task.owner)) return refuseLine(line, 'It names no owner');
    for (const text of [texts.params, texts.result ?? 'null'])
      if (parseJson(text) === undefined) return refuseLine(line, 'Its texts are no JSON');
    return task;
  } catch (error) {
    if (error instanceof AppError) throw error;
    return refuseLine(line, (error as Error).message);
  }
};

/** What a line says was sent before must be there: no row without its body. */
const assertBodies = async (c: AppContext, task: Task, line: number): Promise<void> => {
  const { bodies } = c.get('services');
  for (const text of [task.params, task.result]) {
    const name = readStub(text)?.name;
    if (name !== undefined && !(await bodies.has({ ...task, name })))
      refuseLine(line, `Its body "${name}" was not sent: PUT /restore/{owner}/{id} first`);
  }
};

/** Puts tasks back whose owners live there; returns how many were not there. */
const restore = async (
  c: AppContext,
  { useStore, largeBodies }: Services,
  tasks: Task[],
): Promise<number> => {
  const rows = await largeBodies.keepSubmitted(tasks);
  const ids = await orUnavailable(c, () => useStore(createRestores).insert(rows));
  await largeBodies.drop(rows.filter((row, i) => row !== tasks[i] && !ids.has(row.id)));
  return ids.size;
};

const splitLines = (bytes: Uint8Array): Uint8Array[] => {
  const lines: Uint8Array[] = [];
  for (let from = 0; from < bytes.byteLength;) {
    const end = bytes.indexOf(0x0a, from);
    const to = end < 0 ? bytes.byteLength : end;
    if (to > from) lines.push(bytes.subarray(from, to));
    from = to + 1;
  }
  return lines;
};

const restored = z.strictObject({
  restored: whole,
  skipped: whole.meta({
    description: 'They are there already, or another task has their idempotency key',
  }),
});

const RESTORE = { tag: 'Operations', errors: ['invalid_request', 'storage_unavailable'] } as const;

/** Puts tasks back that an export or the archive has. */
export const restoreRoutes = new Hono<AppEnv>()
  .post(
    '/',
    docs({
      ...RESTORE,
      id: 'restoreTasks',
      summary: 'Put tasks back that have ended, from the lines of an export or of the archive',
      description:
        'Lines of 1 MB in all, whole ones; tasks of any owner. What is there stays as it is, and nobody is ' +
        'notified. `tasker restore` sends a file.',
      answers: { 200: { description: 'What became of them', body: restored } },
      errors: [...RESTORE.errors, 'body_too_large', 'malformed_json'],
      upload: LINES,
    }),
    scope('operator'),
    limit('writes'),
    async (c) => {
      const lines = splitLines(await readBytes(c.req.raw, MAX_BULK_BYTES));
      const tasks = lines.map(readLine);
      for (const [line, task] of tasks.entries()) await assertBodies(c, task, line);
      const owners = [...new Set(tasks.map(({ owner }) => owner))];
      const homes = await Promise.all(owners.map((owner) => findWritable(c, owner)));
      let count = 0;
      for (const [home, theirs] of Map.groupBy(owners, (_, i) => homes[i] as Services))
        count += await restore(
          c,
          home,
          tasks.filter(({ owner }) => theirs.includes(owner)),
        );
      return c.json({ restored: count, skipped: tasks.length - count });
    },
  )
  .put(
    '/:owner/:id',
    docs({
      ...RESTORE,
      id: 'restoreBody',
      summary: 'Send large parameters or a large result, before the line of their task',
      description:
        'The answer is what the line has in their place, with its size in `bytes` of the line.',
      params: { owner: { description: 'The owner of the task' }, ...TASK_ID },
      answers: {
        200: {
          description: 'Where it is',
          body: z.strictObject({ $body: z.strictObject({ bytes: whole, name: z.string() }) }),
        },
      },
      errors: [
        ...RESTORE.errors,
        'task_not_found',
        'body_too_large',
        'malformed_json',
        'upload_interrupted',
      ],
      examples: { text: 'a long text' },
      upload: 'application/json',
    }),
    scope('operator'),
    limit('writes'),
    async (c) => {
      const owner = c.req.param('owner');
      if (!isOwnerName(owner))
        refuseFields([
          { in: 'path', path: 'owner', code: 'invalid_owner', message: 'There is no such owner' },
        ]);
      const { bodies } = c.get('services');
      const content = readChecked(c.req.raw.body);
      const save = () => bodies.save({ owner, id: readTaskId(c) }, 0, content);
      const { bytes, name } = await orUnavailable(c, save, 'storage_unavailable');
      return c.json({ $body: { bytes, name } });
    },
  );
