import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CACHE_FAULTS } from './cache-faults.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };

/**
 * A server in the place of Upstash that answers every command wrongly, in the way that the path
 * says, see cache-faults.ts; `mixed` is any of them.
 */
export const startFaultyCache = async (): Promise<{ url: string; close(): Promise<void> }> => {
  const server = createServer((request, response) => {
    request.resume();
    const asked = request.url?.split('/')[1];
    const fault =
      asked === 'mixed' ? CACHE_FAULTS[Math.floor(Math.random() * CACHE_FAULTS.length)] : asked;
    if (fault === 'hangs') return;
    if (fault === 'drops') return void request.socket.destroy();
    if (Number(fault))
      return void response.writeHead(Number(fault), JSON_TYPE).end('{"error":"no"}');
    if (fault === 'html')
      return void response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>no</html>');
    if (fault === 'wrong-shape')
      return void response
        .writeHead(200, JSON_TYPE)
        .end(JSON.stringify({ result: Buffer.from('{"id":7}').toString('base64') }));
    if (fault === 'garbage') return void response.writeHead(200, JSON_TYPE).end('[1,2');
    response.writeHead(200, JSON_TYPE).end(JSON.stringify({ result: 'x'.repeat(20_000_000) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
};
