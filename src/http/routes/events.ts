import { Hono } from 'hono';
import { AppError } from '../../domain/errors.ts';
import type { TaskView } from '../../domain/view.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { assertOrigin } from '../access.ts';
import { describe, type Operation } from '../openapi/operation.ts';
import * as answers from '../responses.ts';
import { ticketBody } from '../schemas.ts';
import { newTicket } from '../ticket.ts';
import { jsonBody } from '../validate.ts';
import { asking, taskId, taskNotFound } from '../read-task.ts';
import { eventStream, oneEvent } from '../sse.ts';

/** Every task of the owner, rather than one. */
const WHOLE_LIST = '*';
/** As long as the board keeps one. */
const TICKET_SECONDS = 30;
const SUBPROTOCOL = 'tasker.v1';
const EVENT_STREAM = 'text/event-stream';

/**
 * The stream of a finished task: the snapshot and the close. It ends here and not in the board, which an open socket
 * of this kind would keep awake; a hibernating one the runtime ends only some 10 s after its close.
 */
const finishedStream = (task: TaskView): WebSocket => {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.send(JSON.stringify({ event: 'snapshot', task }));
  server.close(1000, 'final');
  return client;
};

/** Asks the board for a stream: a socket, or the task where it is final already. */
const open = async (
  c: AppContext,
  name: string,
  request: Request,
): Promise<WebSocket | TaskView> => {
  const response = await asking(c, () =>
    c.get('services').boards.openStream(c.get('identity'), name, request),
  );
  if (response.status === 404) throw taskNotFound(name);
  return response.webSocket ?? response.json<TaskView>();
};

const overSocket = async (c: AppContext, name: string): Promise<Response> => {
  assertOrigin(c);
  const opened = await open(c, name, c.req.raw);
  const webSocket = 'task_id' in opened ? finishedStream(opened) : opened;
  // Browsers want the subprotocol that they asked for confirmed.
  const asked = c.req
    .header('Sec-WebSocket-Protocol')
    ?.split(',')
    .map((word) => word.trim());
  return new Response(null, {
    status: 101,
    webSocket,
    headers: asked?.includes(SUBPROTOCOL) ? { 'Sec-WebSocket-Protocol': SUBPROTOCOL } : {},
  });
};

const asEvents = async (c: AppContext, name: string): Promise<Response> => {
  const opened = await open(
    c,
    name,
    new Request('https://board.internal/', { headers: { Upgrade: 'websocket' } }),
  );
  const headers = { 'Content-Type': EVENT_STREAM, 'Cache-Control': 'no-store' };
  if (!('task_id' in opened)) return c.body(eventStream(opened), 200, headers);
  // A browser comes back after every end of a stream. Whoever has seen the final frame is told to stay away.
  if (Number(c.req.header('Last-Event-ID') ?? NaN) >= opened.version) return c.body(null, 204);
  return c.body(oneEvent({ event: 'snapshot', task: opened }), 200, headers);
};

/** A live stream, as a WebSocket or as Server-Sent Events. */
const stream = (c: AppContext, name: string): Promise<Response> => {
  if (c.req.header('Upgrade')?.toLowerCase() === 'websocket') return overSocket(c, name);
  const accepted = c.req
    .header('Accept')
    ?.toLowerCase()
    .split(',')
    .map((range) => range.split(';')[0]?.trim());
  if (accepted?.includes(EVENT_STREAM)) return asEvents(c, name);
  throw new AppError(
    'upgrade_required',
    `This is a live stream: ask for a WebSocket, or for "Accept: ${EVENT_STREAM}"`,
    {
      headers: { Upgrade: 'websocket' },
    },
  );
};

const live = (id: string, summary: string): Operation => ({
  id,
  access: 'tasks:read',
  tag: 'Live',
  summary,
  description:
    'A WebSocket when asked to upgrade, Server-Sent Events with `Accept: text/event-stream`. The first frame is a `snapshot`, then come `update`, `updates` and `progress`; answer each `updates` of the list with `{ "ack": seq }`.',
  answers: {
    200: { description: 'Server-Sent Events; `id` carries the version', body: EVENT_STREAM },
    101: {
      description:
        'A WebSocket; closes with 1000 `final` after the final frame, with 4404 when the task is deleted',
      body: null,
    },
    204: { description: 'Nothing comes after the event that `Last-Event-ID` names', body: null },
  },
  headers: { 'Last-Event-ID': 'The last event that was seen' },
  errors: ['upgrade_required', 'origin_not_allowed', 'ticket_invalid'],
});

export const events = new Hono<AppEnv>()
  .post(
    '/events/ticket',
    describe({
      id: 'createTicket',
      tag: 'Live',
      access: 'tasks:read',
      summary: 'Get a ticket for one WebSocket, for use in browsers',
      description:
        'Pass it within 30 s as the subprotocol `ticket.<ticket>` beside `tasker.v1`. It opens one stream, once: of the task that it was made for, or of all.',
      answers: { 200: { description: 'The ticket', body: answers.ticket } },
      examples: { all: {} },
    }),
    jsonBody(ticketBody, { optional: true }),
    async (c) => {
      const { task_id = WHOLE_LIST } = c.req.valid('json');
      const { ticket, hash } = await newTicket(c.get('owner'));
      await asking(c, () =>
        c.get('services').boards.issueTicket(c.get('identity'), task_id.toLowerCase(), hash),
      );
      return c.json({ ticket, expires_in: TICKET_SECONDS });
    },
  )
  .get('/events', describe(live('watchTasks', 'Watch all tasks')), (c) => stream(c, WHOLE_LIST))
  .get('/tasks/:id/events', describe(live('watchTask', 'Watch one task')), (c) =>
    stream(c, taskId(c)),
  );
