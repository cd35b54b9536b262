import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Run = (command: string[]) => Promise<unknown>;

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

/** Upstash encodes every string of an answer but `OK`. */
const encoded = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(encoded);
  return typeof value === 'string' && value !== 'OK'
    ? Buffer.from(value).toString('base64')
    : value;
};

/**
 * A local stand-in for Upstash's REST service (https://upstash.com/docs/redis/features/restapi) in
 * front of a real Redis: `/`, `/pipeline` and `/multi-exec`, base64 answers, the token checked on
 * every path, on 127.0.0.1 alone.
 */
export const startRestProxy = async (
  token: string,
  run: Run,
): Promise<{ url: string; close(): Promise<void> }> => {
  const answer = async (command: unknown[], asBase64: boolean) => {
    try {
      const result = await run(command.map(String));
      return { result: asBase64 ? encoded(result) : result };
    } catch (error) {
      return { error: (error as Error).message };
    }
  };
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    const send = (status: number, body: unknown) =>
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    if (request.headers.authorization !== `Bearer ${token}`)
      return send(401, { error: 'WRONGPASS invalid or missing auth token' });
    const asBase64 = request.headers['upstash-encoding'] === 'base64';
    const body = JSON.parse(await textOf(request)) as unknown[];
    if (request.url === '/') {
      const one = await answer(body, asBase64);
      return send('error' in one ? 400 : 200, one);
    }
    const commands = body as unknown[][];
    if (request.url === '/pipeline')
      return send(200, await Promise.all(commands.map((command) => answer(command, asBase64))));
    if (request.url !== '/multi-exec') return send(404, { error: 'Not found' });
    // One connection carries these in a row, so that nothing comes in between.
    await run(['MULTI']);
    await Promise.all(commands.map((command) => run(command.map(String))));
    const { result, error } = (await answer(['EXEC'], asBase64)) as {
      result?: unknown[];
      error?: string;
    };
    return error
      ? send(400, { error })
      : send(
          200,
          result?.map((item) => ({ result: item })),
        );
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
};
