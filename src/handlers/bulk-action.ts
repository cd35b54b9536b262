import { COMMANDS } from '../domain/lifecycle.ts';
import * as z from 'zod';
import { filterAsWritten, filters } from '../domain/filter-schema.ts';
import { GoOn } from '../domain/errors.ts';
import { isObject } from '../domain/json.ts';
import { defineHandler } from './handler.ts';

/** Checked, but kept as it was written: it is read again when the task runs. */
const filter = z
  .custom<Record<string, unknown>>(isObject, 'A filter must be an object')
  .check(({ value, issues }) => {
    const { error } = filterAsWritten.safeParse(value);
    if (Object.keys(value).length === 0)
      issues.push({
        code: 'custom',
        input: value,
        message: 'Give at least one filter; submitted_before alone means all until then',
      });
    issues.push(
      ...(error?.issues ?? []).map((issue) => ({ ...issue, input: value }) as z.core.$ZodRawIssue),
    );
  })
  .meta({
    type: 'object',
    description:
      'As in the query of GET /tasks, also params.<path> and result.<path>; at least one',
    properties: z.toJSONSchema(filters, { io: 'input', unrepresentable: 'any' }).properties,
  });

/** Of 100 tasks each: what one run asks for stays far below what the platform allows. */
const MAX_STEPS = 100;

/** Where the next run goes on. */
const position = z.strictObject({
  before: z.string(),
  total: z.number(),
  matched: z.number(),
  changed: z.number(),
});

export const bulkAction = defineHandler({
  type: 'bulk_action',
  description:
    'Cancels, pauses, resumes, retries or deletes all tasks that a filter finds, of those submitted before it.',
  lane: 'default',
  params: z.strictObject({ action: z.enum(COMMANDS), filter }),
  example: { action: 'retry', filter: { status: ['FAILED'], tag: ['nightly'] } },
  // Finished chunks stay finished: another run goes on with the rest.
  timeoutMs: 900_000,
  findRun: ({ action, filter: { type } }) => {
    if (action !== 'retry') return [];
    return type === undefined ? null : [type].flat().map(String);
  },
  cacheTtlSeconds: 0,
  run: async ({
    params: { action, filter: given },
    taskId,
    checkpoint,
    tasks,
    signal,
    progress,
    saveCheckpoint,
  }) => {
    const all = tasks.findMatching(action, filterAsWritten.parse(given));
    const begun = position.nullable().parse(checkpoint);
    const total = begun?.total ?? (await all.count(taskId));
    let { matched, changed } = begun ?? { matched: 0, changed: 0 };
    let steps = 0;
    // Ids grow with time: from its own id backwards there is nothing that came after it.
    for (let before: string | null = begun?.before ?? taskId; before !== null;) {
      signal.throwIfAborted();
      if (steps === MAX_STEPS) throw new GoOn({ before, total, matched, changed });
      steps += 1;
      const step = await all.act(before);
      matched += step.matched;
      changed += step.changed;
      before = step.next;
      if (before !== null) saveCheckpoint({ before, total, matched, changed });
      progress(
        matched / Math.max(1, total, matched),
        `${matched} of ${total >= matched ? total : matched}`,
      );
    }
    return { action, matched, changed, skipped: matched - changed };
  },
});
