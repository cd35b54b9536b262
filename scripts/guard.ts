import { Agent, createServer, type IncomingMessage, type Server } from 'node:http';
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
    if (!name.startsWith('mf-')) continue;
    delete request.headers[name];
    request.headers[`x-forwarded-${name}`] = value;
  }
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
      if (target !== null) return void proxy.web(request, response, { target });
      response
        .writeHead(503, { 'Content-Type': 'text/plain', 'Retry-After': '1' })
        .end('The service is starting\n');
    });
    server.on('upgrade', (request, socket, head) => {
      disarm(request);
      if (target === null) return void socket.destroy();
      void proxy.ws(request, socket as never, { target }, head);
    });
    // Long uploads and streams are the Worker's to bound.
    server.requestTimeout = 0;
    await listen(server, port, address);
  }
  return { passTo: (to) => (target = to) };
};
