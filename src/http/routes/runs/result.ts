import { Hono } from 'hono';
import * as z from 'zod';
import { MAX_RESULT_BYTES, MAX_RETURNED_BYTES } from '../../../domain/body.ts';
import { AppError } from '../../../domain/errors.ts';
import { refuseFields } from '../../../domain/field-errors.ts';
import type { RunBearer } from '../../../domain/run-token.ts';
import type { Task } from '../../../domain/task.ts';
import { STATUSES } from '../../../domain/words.ts';
import { answerBody } from '../../body-stream.ts';
import { readChecked } from '../../checked-json.ts';
import type { AppContext, AppEnv } from '../../context.ts';
import { docs } from '../../middleware/docs.ts';
import { anyJson } from '../../fields.ts';
import { json } from '../../middleware/validate.ts';
import { orUnavailable } from '../../read-task.ts';
import { findRun, runAccess } from '../../run-access.ts';
import { refuseOver, RUN } from './run.ts';

/** The task of a run that goes on. */
const readRunning = async (c: AppContext, run: RunBearer): Promise<Task> => {
  const { store } = c.get('services');
  const task = await orUnavailable(c, () => store.get(run.owner, run.id));
  if (task?.status === 'IN_PROGRESS' && task.attempt === run.attempt) return task;
  return refuseOver(c, run);
};

/** A schema can only look at what is held in memory. */
const refuseUnchecked = async (c: AppContext, task: Task): Promise<void> => {
  const { catalog } = c.get('services');
  await catalog.load(task.owner, [task.type]);
  if (!catalog.find(task.owner, task.type)?.outside?.checksResults) return;
  const message = `Its type checks results, of ${MAX_RETURNED_BYTES} bytes at most and with a Content-Length`;
  refuseFields([{ in: 'body', path: '', code: 'unchecked_result', message }]);
};

/** Takes the result as a stream, straight into R2: memory is that of one part of it. */
const streamResult = async (c: AppContext): Promise<Response> => {
  const { bodies, work } = c.get('services');
  const run = await findRun(c);
  await refuseUnchecked(c, await readRunning(c, run));
  const content = readChecked(c.req.raw.body);
  const saved = await orUnavailable(
    c,
    () => bodies.save(run, run.attempt, content),
    'storage_unavailable',
  );
  const end = { kind: 'stored', stub: saved.stub } as const;
  const [settled] = await orUnavailable(c, () => work.settle([{ run, end }]));
  if (settled?.recorded) return c.json({ status: settled.status });
  await bodies.removeMany([{ ...run, name: saved.name }]).catch(() => {});
  return refuseOver(c, run);
};

/** What is too large for the other calls of a run: its result, and the parameters of its task. */
export const resultRoutes = new Hono<AppEnv>()
  .put(
    '/result',
    docs({
      ...RUN,
      id: 'putRunResult',
      summary: 'End a run with a result of up to 25 MB, as a stream',
      description:
        'The body is the result itself. Beyond 5 MB, or without a Content-Length, it is checked to be JSON, and not by the schema of its type.',
      answers: {
        200: {
          description: 'The status of its task',
          body: z.strictObject({ status: z.enum(STATUSES) }),
        },
      },
      errors: [
        ...RUN.errors,
        'body_too_large',
        'malformed_json',
        'invalid_request',
        'storage_unavailable',
        'overloaded',
        'upload_interrupted',
      ],
      examples: { size: { width: 200 } },
    }),
    runAccess(),
    async (c, next) => {
      const length = Number(c.req.header('Content-Length') ?? Infinity);
      if (length > MAX_RESULT_BYTES && length !== Infinity)
        throw new AppError(
          'body_too_large',
          `A result may have at most ${MAX_RESULT_BYTES} bytes: write it to files`,
        );
      if (length > MAX_RETURNED_BYTES) return streamResult(c);
      return next();
    },
    json(anyJson, { maxBytes: MAX_RETURNED_BYTES }),
    async (c) => {
      const { work } = c.get('services');
      const run = await findRun(c);
      const end = { kind: 'completed', result: c.req.valid('json') } as const;
      const [settled] = await orUnavailable(c, () => work.settle([{ run, end }]));
      return settled?.recorded ? c.json({ status: settled.status }) : refuseOver(c, run);
    },
  )
  .get(
    '/params',
    docs({
      ...RUN,
      id: 'getRunParams',
      summary: 'Get the parameters of the task, however large',
      answers: {
        200: { description: 'JSON', body: anyJson },
        304: { description: 'It is the one that `If-None-Match` names', body: null },
      },
      errors: [...RUN.errors, 'body_not_found', 'storage_unavailable'],
    }),
    runAccess(),
    async (c) => {
      const task = await readRunning(c, await findRun(c));
      return answerBody(c, task, task.params, `${task.id}-params-${task.attempt}`);
    },
  );
