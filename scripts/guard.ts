import { randomUUID } from 'node:crypto';
import {
  Agent,
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createProxyServer } from 'httpxy';

/** `localhost`, in both families; a machine without IPv6 has only the first. */
const ADDRESSES = ['127.0.0.1', '::1'];

/**
 * wrangler's own proxy believes `MF-*` headers and takes them off: a page could say by them that it
 * is somebody else, and the Worker would never know. Under another name they reach it, and its own
 * rule refuses them.
 */
const disarm = (request: IncomingMessage): void => {
  for (const [name, value] of Object.entries(request.headers)) {
    if (!name.startsWith('mf-') && !name.startsWith('cf-')) continue;
    delete request.headers[name];
    request.headers[`x-forwarded-${name}`] = value;
  }
};

/**
 * The first segments of the paths that are ours. Whatever else wrangler answers by itself, such as
 * an explorer of the database and of all files, is not there for callers. A test holds this against
 * the service's own document.
 */
export const OWN_PATHS = new Set([
  'api',
  'archive',
  'assets',
  'audit',
  'docs',
  'errors',
  'events',
  'export',
  'files',
  'get-task-output',
  'health',
  'index.html',
  'keys',
  'limits',
  'flows',
  'mcp',
  'metrics',
  'openapi.json',
  'owners',
  'queues',
  'redoc',
  'restore',
  'run-task',
  'schedules',
  'session',
  'shards',
  'stats',
  'task-types',
  'tasks',
  'webhook-secret',
  'work',
  'runs',
]);

/** The path and query as wrangler will read them; null for what is not ours. */
export const readOwnPath = (target = ''): string | null => {
  // The absolute form would name another host.
  if (!target.startsWith('/')) return null;
  const url = URL.parse(`http://localhost${target}`);
  if (!url || url.hostname !== 'localhost') return null;
  const [, first = ''] = url.pathname.split('/');
  return url.pathname === '/' || OWN_PATHS.has(first) ? url.pathname + url.search : null;
};

/** Answers as the service itself does where there is no route. */
const refusePath = (response: ServerResponse): void => {
  const request_id = randomUUID();
  const problem = {
    type: 'urn:tasker:problem:route_not_found',
    title: 'No such route',
    status: 404,
    detail: 'There is no such route; GET /openapi.json lists what there is',
    code: 'route_not_found',
    docs_url: '/docs/errors#route_not_found',
    request_id,
  };
  const headers = { 'Content-Type': 'application/problem+json', 'X-Request-Id': request_id };
  response.writeHead(404, headers).end(JSON.stringify(problem));
};

const listen = (server: Server, port: number, address: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(error.code ?? '') ? resolve(false) : reject(error),
    );
    server.listen(port, address, () => resolve(true));
  });

/**
 * Listens on this machine alone and passes everything on, sockets too, to the address given to
 * `passTo`; before that it answers 503. Rejects when the port is taken.
 */
export const startGuard = async (port: number): Promise<{ passTo(target: string): void }> => {
  const agent = new Agent({ keepAlive: true });
  const proxy = createProxyServer({ agent, proxyTimeout: 0 });
  let target: string | null = null;
  proxy.on('error', (_error, _request, response) => {
    if (!response || !('writeHead' in response)) return void response?.destroy();
    if (response.headersSent) return void response.destroy();
    response
      .writeHead(503, { 'Content-Type': 'text/plain', 'Retry-After': '1' })
      .end('The service is not up\n');
  });
  for (const address of ADDRESSES) {
    const server = createServer((request, response) => {
      disarm(request);
      const path = readOwnPath(request.url);
      if (path === null) return refusePath(response);
      request.url = path;
      if (target !== null) return void proxy.web(request, response, { target });
      response
        .writeHead(503, { 'Content-Type': 'text/plain', 'Retry-After': '1' })
        .end('The service is starting\n');
    });
    server.on('upgrade', (request, socket, head) => {
      disarm(request);
      const path = readOwnPath(request.url);
      if (target === null || path === null) {
        socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
        return;
      }
      request.url = path;
      void proxy.ws(request, socket as never, { target }, head);
    });
    // Long uploads and streams are the Worker's to bound.
    server.requestTimeout = 0;
    await listen(server, port, address);
  }
  return { passTo: (to) => (target = to) };
};
