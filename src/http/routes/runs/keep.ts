import { Hono } from 'hono';
import * as z from 'zod';
import { parseJson } from '../../../domain/json.ts';
import { MAX_CHILDREN } from '../../../domain/run-limits.ts';
import type { AppEnv } from '../../context.ts';
import { anyJson, whole } from '../../fields.ts';
import { docs } from '../../middleware/docs.ts';
import { json } from '../../middleware/validate.ts';
import { orUnavailable } from '../../read-task.ts';
import { findChildTypes, findRun, runAccess } from '../../run-access.ts';
import { checkpointData } from '../../run-end.ts';
import { nativeForm } from '../tasks/new-task-schema.ts';
import { SUBMIT_ERRORS } from '../../submit-tasks.ts';
import { refuseOver, RUN } from './run.ts';

const childTask = z.strictObject({
  n: z
    .int()
    .min(0)
    .max(MAX_CHILDREN - 1)
    .meta({
      description:
        'Which of its run, from 0: the n-th is submitted once, however often a run is repeated',
    }),
  task: nativeForm,
});
const stepName = z.string().min(1).max(100);
const step = z.strictObject({
  name: z.string(),
  attempt: whole.meta({ description: 'In which it resolved' }),
  result: anyJson,
});

/** What a run outside keeps for the runs after it, and the tasks that it submits. */
export const keepRoutes = new Hono<AppEnv>()
  .get(
    '/steps',
    docs({
      ...RUN,
      id: 'listRunSteps',
      summary: 'The steps of the task that have resolved, in this run or before',
      answers: {
        200: { description: 'In no order', body: z.strictObject({ steps: z.array(step) }) },
      },
    }),
    runAccess(),
    async (c) => {
      const { runSteps } = c.get('services');
      const run = await findRun(c);
      const steps = await orUnavailable(c, () => runSteps.read(run));
      return c.json({ steps: steps.map((each) => ({ ...each, result: parseJson(each.result) })) });
    },
  )
  .post(
    '/steps',
    docs({
      ...RUN,
      id: 'saveRunStep',
      summary: 'Keep what a step resolved to: no later run does it again',
      description: 'A row. What was kept first stays. A task has 1 000 steps at most.',
      answers: { 200: { description: 'The step as it is kept', body: step } },
      examples: { sent: { name: 'send the invoice', result: { number: 17 } } },
    }),
    runAccess(),
    json(z.strictObject({ name: stepName, result: checkpointData })),
    async (c) => {
      const { runSteps } = c.get('services');
      const run = await findRun(c);
      const { name, result } = c.req.valid('json');
      const text = JSON.stringify(result);
      const [saved] = await orUnavailable(c, () => runSteps.save(run, name, text));
      if (!saved) return refuseOver(c, run);
      return c.json({ ...saved, result: parseJson(saved.result) });
    },
  )
  .post(
    '/tasks',
    docs({
      ...RUN,
      id: 'submitChildTask',
      summary: 'Submit a task for the owner of the run, its parent',
      description:
        'A worker needs a key with the scope `tasks:write`. 1 000 of a run, nested 16 deep at most.',
      answers: { 202: { description: 'The task', body: z.strictObject({ task_id: z.uuid() }) } },
      errors: [...RUN.errors, ...SUBMIT_ERRORS, 'key_revoked', 'scope_missing'],
      examples: { sum: { n: 0, task: { type: 'sum', params: { a: 5, b: 3 } } } },
    }),
    runAccess(),
    json(childTask),
    async (c) => {
      const { store, children } = c.get('services');
      const run = await findRun(c);
      const parent = await orUnavailable(c, () => store.get(run.owner, run.id));
      if (parent?.status !== 'IN_PROGRESS' || parent.attempt !== run.attempt)
        return refuseOver(c, run);
      const { n, task } = c.req.valid('json');
      const types = await findChildTypes(c, run);
      const submitted = await children.submitChild(
        parent,
        n,
        task,
        types,
        new URL(c.req.url).hostname,
      );
      return c.json({ task_id: submitted.task.id }, 202);
    },
  );
