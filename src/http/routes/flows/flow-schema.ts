import * as z from 'zod';
import type { FlowNodeView, FlowView } from '../../../domain/flow-view.ts';
import { FLOW_STATUSES, ON_FAILURE, STATUSES } from '../../../domain/words.ts';
import { isNodeName } from '../../../domain/flow-references.ts';
import { MAX_FLOW_NODES } from '../../../domain/flow-graph.ts';
import { isObject } from '../../../domain/json.ts';
import { orNone } from '../../../domain/text.ts';
import { time, timeOrNull, whole } from '../../fields.ts';
import { nativeForm } from '../tasks/new-task-schema.ts';
import { delivery, taskFields } from '../tasks/task-schema.ts';

const nodeName = z.string().min(1).max(64);

/** A node: whatever a submit takes, and what it waits for. */
const flowNode = nativeForm
  .extend({
    after: z
      .array(nodeName)
      .max(MAX_FLOW_NODES)
      .optional()
      .meta({ description: 'Tasks that it waits for, besides those whose values it names' }),
    for_each: z
      .strictObject({ $from: z.string().min(1).max(1_000) })
      .optional()
      .meta({ description: 'A list: each of its items, 1 000 at most, becomes a task' }),
  })
  .meta({ id: 'NewFlowTask' });

const NAME_RULE =
  'A task is named by a letter and up to 63 letters, digits, `-` and `_`; `item` is taken';

/** Nodes by name. Not z.record, which drops a key named `__proto__` in silence. */
const flowNodes = z
  .custom<Record<string, unknown>>(isObject, '`tasks` must be an object')
  .transform((given, context) => {
    const nodes: [string, z.output<typeof flowNode>][] = [];
    const names = Object.keys(given);
    const refuse = (path: PropertyKey[], message: string): void =>
      void context.issues.push({ code: 'custom', path, message, input: given });
    if (names.length === 0) refuse([], 'A flow has one task at least');
    for (const name of names.slice(0, MAX_FLOW_NODES + 1)) {
      if (!isNodeName(name)) refuse([name], NAME_RULE);
      const parsed = flowNode.safeParse(given[name]);
      if (parsed.success) nodes.push([name, parsed.data]);
      else
        context.issues.push(
          ...parsed.error.issues.map(
            (issue) =>
              ({ ...issue, path: [name, ...issue.path], input: given }) as z.core.$ZodRawIssue,
          ),
        );
    }
    return Object.fromEntries(nodes);
  });

const words = {
  name: z
    .string()
    .max(200)
    .nullish()
    .transform(orNone)
    .meta({ description: 'For people, and to find it' }),
  on_failure: z.enum(ON_FAILURE).default('stop').meta({
    description:
      '`stop`: what waits for a task that failed or was cancelled is cancelled. `continue`: it runs, with `null` for its value',
  }),
  callback_url: z
    .string()
    .min(1)
    .max(2_048)
    .nullish()
    .meta({ description: 'Public https; called with the end of the flow' }),
};
export const newFlow = z.strictObject({ ...words, tasks: flowNodes });

/** `newFlow` as it is documented. */
export const flowForm = z
  .strictObject({
    ...words,
    tasks: z.record(nodeName, flowNode).meta({ description: `By name, ${MAX_FLOW_NODES} at most` }),
  })
  .meta({ id: 'NewFlow' });

const flowFields = {
  flow_id: z.uuid(),
  name: z.string().nullable(),
  status: z.enum(FLOW_STATUSES),
  on_failure: z.enum(ON_FAILURE),
  tasks: z
    .strictObject({ total: whole, ended: whole })
    .meta({ description: 'Those that `for_each` made included' }),
  callback_url: z.string().nullable(),
  submitted_at: time,
  started_at: timeOrNull,
  completed_at: timeOrNull,
  updated_at: time,
  version: whole.meta({ description: 'Grows with every change' }),
};
export const flowSchema = z.strictObject(flowFields).meta({ id: 'Flow' }) satisfies z.ZodType<
  unknown,
  FlowView
>;

const flowItem = z.strictObject({
  task_id: z.uuid(),
  item: whole.meta({ description: 'Its place in the list, from 0' }),
  status: z.enum(STATUSES),
});
const flowNodeSchema = z
  .strictObject({
    node: z.string(),
    task_id: taskFields.task_id,
    type: taskFields.type,
    title: taskFields.title,
    status: taskFields.status,
    after: z.array(z.string()).meta({ description: 'The tasks that it waits for' }),
    waits_for: whole.meta({ description: 'How many of them have not ended' }),
    items: z
      .array(flowItem)
      .nullable()
      .meta({ description: 'The tasks that `for_each` made; null without it' }),
    queue: taskFields.queue,
    error: taskFields.error,
    end_reason: taskFields.end_reason,
    attempt: taskFields.attempt,
    progress: taskFields.progress,
    started_at: timeOrNull,
    completed_at: timeOrNull,
    version: whole,
  })
  .meta({ id: 'FlowTask' }) satisfies z.ZodType<unknown, FlowNodeView>;

/** A flow with its tasks. */
export const flowDetailSchema = z
  .strictObject({
    ...flowFields,
    nodes: z.array(flowNodeSchema).meta({ description: 'Each after those that it waits for' }),
    deliveries: z.array(delivery),
  })
  .meta({ id: 'FlowDetail' });

export const acceptedFlowSchema = z
  .strictObject({
    flow_id: z.uuid(),
    name: z.string().nullable(),
    status: z.enum(FLOW_STATUSES),
    nodes: z.array(
      z.strictObject({ node: z.string(), task_id: z.uuid(), status: z.enum(STATUSES) }),
    ),
  })
  .meta({ id: 'AcceptedFlow' });
