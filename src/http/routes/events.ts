import { accepts } from 'hono/accepts';
import { Hono } from 'hono';
import * as z from 'zod';
import { AppError } from '../../domain/errors.ts';
import { readFlowStream, toFlowStream } from '../../domain/flow-stream.ts';
import { openFinished, toSnapshot, type Ended } from '../finished-stream.ts';
import { assertOrigin } from '../authenticate.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { whole } from '../fields.ts';
import { docs, type RouteDocs } from '../middleware/docs.ts';
import { limit } from '../middleware/limit.ts';
import { scope } from '../middleware/scope.ts';
import { json } from '../middleware/validate.ts';
import { orUnavailable, readTaskId, refuseUnknownTask, TASK_ID } from '../read-task.ts';
import { formatEvent, streamEvents } from '../sse.ts';
import { createTicket } from '../ticket.ts';
import { FLOW_ID, readFlowId, refuseUnknownFlow } from './flows/read-flow.ts';

/** No such task, or no such flow. */
const refuseUnknown = (name: string): AppError => {
  const flowId = readFlowStream(name);
  return flowId === null ? refuseUnknownTask(name) : refuseUnknownFlow(flowId);
};

/** Every task of the owner, rather than one. */
const WHOLE_LIST = '*';
/** As long as the board keeps one. */
const TICKET_SECONDS = 30;
const SUBPROTOCOL = 'tasker.v1';
const EVENT_STREAM = 'text/event-stream';

const ticketSchema = z.strictObject({
  ticket: z.string(),
  expires_in: whole.meta({ description: 'Seconds' }),
});
/** For the stream of one task or flow, or for the whole list's. */
const newTicket = z
  .strictObject({ task_id: z.uuid().optional(), flow_id: z.uuid().optional() })
  .refine(
    ({ task_id, flow_id }) => task_id === undefined || flow_id === undefined,
    'Give either task_id or flow_id',
  );

/** Asks the board for a stream: a socket, or the task where it is final already. */
const openStream = async (
  c: AppContext,
  name: string,
  request: Request,
): Promise<WebSocket | Ended> => {
  const { boards } = c.get('services');
  const response = await orUnavailable(c, () =>
    boards.openStream(c.get('identity'), name, request),
  );
  if (response.status === 404) throw refuseUnknown(name);
  if (response.status === 429)
    throw new AppError('too_many_streams', 'This key has too many streams open: close some first');
  return response.webSocket ?? response.json<Ended>();
};

const answerSocket = async (c: AppContext, name: string): Promise<Response> => {
  assertOrigin(c);
  const opened = await openStream(c, name, c.req.raw);
  const webSocket = 'version' in opened ? openFinished(opened) : opened;
  // Browsers want the subprotocol that they asked for confirmed.
  const offered = c.req.header('Sec-WebSocket-Protocol')?.split(',') ?? [];
  const isConfirmed = offered.some((word) => word.trim() === SUBPROTOCOL);
  const headers = isConfirmed ? { 'Sec-WebSocket-Protocol': SUBPROTOCOL } : {};
  return new Response(null, { status: 101, webSocket, headers });
};

const answerEvents = async (c: AppContext, name: string): Promise<Response> => {
  const upgrade = { headers: { Upgrade: 'websocket' } };
  const opened = await openStream(c, name, new Request('https://board.internal/', upgrade));
  const headers = { 'Content-Type': EVENT_STREAM, 'Cache-Control': 'no-store' };
  if (!('version' in opened)) return c.body(streamEvents(opened), 200, headers);
  // A browser comes back after every end of a stream. One that has seen the final frame is asked to
  // stay away.
  if (Number(c.req.header('Last-Event-ID') ?? NaN) >= opened.version) return c.body(null, 204);
  return c.body(formatEvent(toSnapshot(opened)), 200, headers);
};

/** Whether the caller names event streams; any type at all is no request for one. */
const acceptsEvents = (c: AppContext): boolean =>
  accepts(c, {
    header: 'Accept',
    supports: [EVENT_STREAM],
    default: '',
    match: (accepted) =>
      accepted.some(({ type }) => type.toLowerCase() === EVENT_STREAM) ? EVENT_STREAM : '',
  }) === EVENT_STREAM;

/** What a GET would answer with, without a stream that nobody reads. */
const answerStreamHead = async (c: AppContext, name: string): Promise<Response> => {
  const { store, flows } = c.get('services');
  const owner = c.get('owner');
  const flowId = readFlowStream(name);
  const find = () => (flowId === null ? store.get(owner, name) : flows.get(owner, flowId));
  if (name !== WHOLE_LIST && !(await orUnavailable<unknown>(c, find))) throw refuseUnknown(name);
  return c.body(null, 200, { 'Content-Type': EVENT_STREAM, 'Cache-Control': 'no-store' });
};

/** A live stream, as a WebSocket or as Server-Sent Events. */
const answerStream = (c: AppContext, name: string): Promise<Response> => {
  if (c.req.method === 'HEAD') return answerStreamHead(c, name);
  if (c.req.header('Upgrade')?.toLowerCase() === 'websocket') return answerSocket(c, name);
  if (acceptsEvents(c)) return answerEvents(c, name);
  throw new AppError(
    'upgrade_required',
    `This is a live stream: ask for a WebSocket, or for "Accept: ${EVENT_STREAM}"`,
    { headers: { Upgrade: 'websocket' } },
  );
};

const STREAM = {
  tag: 'Live',
  description:
    'A WebSocket when asked to upgrade, Server-Sent Events with `Accept: text/event-stream`. The ' +
    'first frame is a `snapshot`, then come `update`, `updates` and `progress`; answer each ' +
    '`updates` of the list with `{ "ack": seq }`.',
  answers: {
    200: { description: 'Server-Sent Events; `id` carries the version', body: EVENT_STREAM },
    101: {
      description:
        'A WebSocket; closes with 1000 `final` after the final frame, with 4404 when the task is ' +
        'deleted',
      body: null,
    },
    204: { description: 'Nothing comes after the event that `Last-Event-ID` names', body: null },
  },
  headers: { 'Last-Event-ID': 'The last event that was seen' },
  errors: ['upgrade_required', 'origin_not_allowed', 'ticket_invalid', 'too_many_streams'],
} as const satisfies Partial<RouteDocs>;

/** Live streams, and the tickets that browsers open them with. */
export const eventRoutes = new Hono<AppEnv>()
  .post(
    '/events/ticket',
    docs({
      id: 'createTicket',
      tag: 'Live',
      summary: 'Get a ticket for one WebSocket, for use in browsers',
      description:
        'Pass it within 30 s as the subprotocol `ticket.<ticket>` beside `tasker.v1`. It opens one ' +
        'stream, once: of the task that it was made for, or of all.',
      answers: { 200: { description: 'The ticket', body: ticketSchema } },
      examples: { all: {} },
    }),
    scope('tasks:read'),
    limit('writes'),
    json(newTicket, { optional: true }),
    async (c) => {
      const { task_id = WHOLE_LIST, flow_id } = c.req.valid('json');
      const { boards } = c.get('services');
      const { ticket, hash } = await createTicket(c.get('owner'));
      const stream = (flow_id === undefined ? task_id : toFlowStream(flow_id)).toLowerCase();
      await orUnavailable(c, () => boards.issueTicket(c.get('identity'), stream, hash));
      return c.json({ ticket, expires_in: TICKET_SECONDS });
    },
  )
  .get(
    '/events',
    docs({ ...STREAM, id: 'watchTasks', summary: 'Watch all tasks' }),
    scope('tasks:read'),
    (c) => answerStream(c, WHOLE_LIST),
  )
  .get(
    '/tasks/:id/events',
    docs({
      ...STREAM,
      id: 'watchTask',
      summary: 'Watch one task',
      params: TASK_ID,
      errors: [...STREAM.errors, 'task_not_found'],
    }),
    scope('tasks:read'),
    (c) => answerStream(c, readTaskId(c)),
  )
  .get(
    '/flows/:id/events',
    docs({
      ...STREAM,
      id: 'watchFlow',
      summary: 'Watch a flow',
      description:
        'As the stream of a task. The `snapshot` has the whole flow, each `update` the flow and those of its ' +
        'nodes that have changed.',
      params: FLOW_ID,
      errors: [...STREAM.errors, 'flow_not_found'],
    }),
    scope('tasks:read'),
    (c) => answerStream(c, toFlowStream(readFlowId(c))),
  );
