import { Hono } from 'hono';
import * as z from 'zod';
import { LOG_LEVELS, toLogLine } from '../../../domain/run-log.ts';
import { MAX_OUTPUT_CHARS } from '../../../domain/run-limits.ts';
import type { RunKey } from '../../../domain/run-token.ts';
import type { AppContext, AppEnv } from '../../context.ts';
import { time, whole } from '../../fields.ts';
import { docs } from '../../middleware/docs.ts';
import { json } from '../../middleware/validate.ts';
import { orUnavailable } from '../../read-task.ts';
import { findRun, runAccess } from '../../run-access.ts';
import { refuseOver, RUN } from './run.ts';

const MAX_LINES = 1_000;
/** A clock that is further off is not believed. */
const MAX_SKEW_MS = 86_400_000;

const line = z.strictObject({
  level: z.enum(LOG_LEVELS).default('info'),
  message: z.string().meta({ description: 'The first 8 KB are kept' }),
  fields: z.record(z.string(), z.unknown()).nullish().meta({ description: '4 KB are kept' }),
  at: time.optional().meta({ description: 'Now unless given' }),
});

const logs = z.strictObject({
  lines: z.array(line).max(MAX_LINES),
  first: whole.optional().meta({
    description:
      'The place of the first line in the log of the run, from 0: lines that are there already are ' +
      'not stored again. Behind them unless given',
  }),
  cut: whole.default(0).meta({ description: 'Lines after them that the caller did not keep' }),
  live: z
    .boolean()
    .default(false)
    .meta({ description: 'true: shown to those who watch, and not stored; send them again later' }),
});

/** `fields` of a line is any JSON; a time is text. */
const toLines = ({ lines }: z.output<typeof logs>, now: number) =>
  lines.map(({ level, message, fields, at }) => {
    const said = at === undefined ? now : Date.parse(at);
    return toLogLine(level, message, fields, Math.abs(said - now) > MAX_SKEW_MS ? now : said);
  });

/** Refuses the words of a run that is over: nobody should take them for those of the next. */
const assertHeld = async (c: AppContext, run: RunKey): Promise<void> => {
  const { leases } = c.get('services');
  const held = await orUnavailable(c, () => leases.findHeld([{ ...run, progress: null }]));
  if (!held.has(run.id)) await refuseOver(c, run);
};

/** What a run outside says while it goes on. */
export const sayRoutes = new Hono<AppEnv>()
  .post(
    '/logs',
    docs({
      ...RUN,
      id: 'writeRunLogs',
      summary: 'Write lines into the log of a run',
      description:
        'An attempt keeps 1 000 lines and 64 KB, the oldest; a call that stores writes a row. Gather ' +
        'lines: every 30 seconds and at the end will do, and `live` meanwhile where it is watched.',
      answers: {
        200: {
          description: 'How much of its log is stored',
          body: z.strictObject({
            lines: whole.meta({ description: 'Lines that are stored' }),
            cut: whole.meta({ description: 'Of this call: lines that did not fit' }),
            watched: z.boolean().meta({ description: 'Whether somebody reads along' }),
          }),
        },
      },
      examples: { one: { lines: [{ level: 'info', message: 'Read 10 pages' }] } },
    }),
    runAccess('words'),
    json(logs),
    async (c) => {
      const run = await findRun(c);
      const { runJournal, boards, now } = c.get('services');
      const asked = c.req.valid('json');
      const lines = toLines(asked, now());
      if (asked.live) {
        await assertHeld(c, run);
        const log = { first: asked.first ?? 0, lines };
        const watched = await boards.appendRun(run, { log });
        return c.json({ lines: 0, cut: 0, watched });
      }
      const written = await orUnavailable(c, () =>
        runJournal.write(run, lines, asked.first, asked.cut),
      );
      if (!written) return refuseOver(c, run);
      const { part, count } = written;
      const watched = await boards.appendRun(run, { log: part });
      return c.json({ lines: count, cut: part.cut, watched });
    },
  )
  .post(
    '/output',
    docs({
      ...RUN,
      id: 'writeRunOutput',
      summary: 'Show text to those who watch, as it comes',
      description: 'Not stored: whoever comes late has the last 64 KB.',
      answers: {
        200: {
          description: 'It was passed on',
          body: z.strictObject({
            watched: z.boolean().meta({ description: 'Whether somebody reads along' }),
          }),
        },
      },
      examples: { words: { text: 'Once upon ' } },
    }),
    runAccess('words'),
    json(z.strictObject({ text: z.string().max(MAX_OUTPUT_CHARS) })),
    async (c) => {
      const { boards } = c.get('services');
      const { text } = c.req.valid('json');
      const run = await findRun(c);
      await assertHeld(c, run);
      return c.json({ watched: await boards.appendRun(run, { text }) });
    },
  );
