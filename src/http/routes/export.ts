import { Hono } from 'hono';
import * as z from 'zod';
import { createExports } from '../../store/exports.ts';
import type { ExportEnd } from '../../domain/export-line.ts';
import type { TaskFilter } from '../../domain/filter.ts';
import { namedFilters, toFilter, withFields } from '../../domain/filter-schema.ts';
import { toByteStream } from '../byte-stream.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { docs } from '../middleware/docs.ts';
import { answerHead } from '../middleware/head.ts';
import { consumeRate } from '../middleware/limit.ts';
import { scope } from '../middleware/scope.ts';
import { query } from '../middleware/validate.ts';

/** Pages of a thousand tasks: a page is a few statements, and an invocation has a thousand. */
const MAX_PAGES = 200;
/** Units of the rate of reads that an export takes. */
const EXPORT_UNITS = 50;
const LINES = 'application/x-ndjson';

const exportFilters = z.strictObject({
  ...namedFilters,
  cursor: z
    .uuid()
    .toLowerCase()
    .optional()
    .meta({ description: 'The last task of the part before: it goes on after it' }),
});

/** The lines of all tasks that a filter finds, and at the end one that says that it was all. */
const writeExport = async function* (
  c: AppContext,
  filter: TaskFilter,
  after: string | undefined,
): AsyncGenerator<Uint8Array> {
  const { useStore, writeLines, turns } = c.get('services');
  const exports = useStore(createExports);
  const owner = c.get('owner');
  const end: ExportEnd = { tasks: 0, next_cursor: after ?? null, truncated: false };
  let cursor = after;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const from = cursor;
    const find = () => exports.findPage(owner, filter, from);
    const { keys, next, isBlind } = await turns.take(owner, find);
    for await (const tasks of exports.readWhole(keys)) {
      yield* writeLines(tasks);
      end.tasks += tasks.length;
    }
    end.truncated ||= isBlind;
    end.next_cursor = next;
    if (next === null) break;
    cursor = next;
  }
  yield new TextEncoder().encode(`${JSON.stringify({ end })}\n`);
};

/** Tasks by the hundred thousand. */
export const exportRoutes = new Hono<AppEnv>().get(
  '/',
  docs({
    id: 'exportTasks',
    tag: 'Tasks',
    summary: 'Export all tasks that a filter finds, as a stream of lines',
    description:
      'Oldest first, one JSON object a line: the task with its history, what else is stored of it as `row`, ' +
      'and its parameters and result, whatever their size. The last line is `{"end":{"tasks":…,"next_cursor":…}}`: without it ' +
      'the stream was cut, and goes on with the id of the last whole line as `cursor`; a `next_cursor` asks for the next ' +
      'part. `tasker export` does all of this, `tasker restore` puts final tasks back.',
    answers: { 200: { description: 'Lines of JSON', body: LINES } },
    errors: ['rate_limited'],
  }),
  scope('tasks:read'),
  query(withFields(exportFilters), exportFilters),
  answerHead(LINES),
  async (c) => {
    const { cursor, ...written } = c.req.valid('query');
    const { catalog } = c.get('services');
    const owner = c.get('owner');
    await consumeRate(c, 'reads', EXPORT_UNITS);
    const filter = toFilter(written, (name) => catalog.find(owner, name)?.type ?? name);
    return c.body(toByteStream(writeExport(c, filter, cursor)), 200, { 'Content-Type': LINES });
  },
);
