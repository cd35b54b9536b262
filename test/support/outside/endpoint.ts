import { createServer } from 'node:http';

// An endpoint of a registered type, as a process that tests and the soak start and kill:
// `node endpoint.ts <port> <url of the service>`. The path says how it answers.

const [, , port = '0', service = ''] = process.argv;

interface Call {
  task_id: string;
  attempt: number;
  params: { failures?: number };
  run_token: string;
}

const MIXED = ['now', 'now', 'now', 'later', 'later', 'error', 'busy', 'twice'];

/** Tells the service how a run ended, as a program does that answers later. */
const complete = async ({ run_token, attempt }: Call): Promise<number> => {
  const response = await fetch(`${service}/runs/complete`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${run_token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ result: { by: 'endpoint', attempt } }),
  }).catch(() => null);
  return response?.status ?? 0;
};

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => void chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString();
    const json = { 'Content-Type': 'application/json' };
    const call = JSON.parse(body) as Call;
    const said = request.url?.slice(1) ?? '';
    const how = said === 'mixed' ? (MIXED[Math.floor(Math.random() * MIXED.length)] ?? '') : said;
    const result = JSON.stringify({ by: 'endpoint', attempt: call.attempt });
    if (how === 'now') response.writeHead(200, json).end(result);
    else if (how === 'nothing') response.writeHead(204).end();
    else if (how === 'error') response.writeHead(500, json).end('{"error":"down"}');
    else if (how === 'busy') response.writeHead(503, { 'Retry-After': '1' }).end();
    else if (how === 'refuses') response.writeHead(400, json).end('{"error":"no such picture"}');
    else if (how === 'page')
      response.writeHead(404, { 'Content-Type': 'text/html' }).end('<html>canary</html>');
    else if (how === 'html')
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>canary</html>');
    else if (how === 'redirects') response.writeHead(302, { Location: 'http://127.0.0.1/' }).end();
    else if (how === 'broken') response.writeHead(200, json).end(Buffer.from([0x22, 0xff, 0x22]));
    else if (how === 'huge')
      response.writeHead(200, json).end(JSON.stringify('x'.repeat(25_000_000)));
    else if (how === 'hangs') return;
    else if (how.startsWith('streams')) {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      const events = [
        'data: one \n\n',
        'event: output\ndata: two\n\n',
        'event: log\ndata: {"level":"warn","message":"\\u001b[31mcareful","fields":{"n":1}}\n\n',
        'event: log\ndata: {no JSON\n\n',
        ...(how === 'streams' ? ['event: result\ndata: {"pages":2}\n\n'] : []),
        ...(how === 'streams-error'
          ? ['event: error\ndata: {"message":"No ink","code":"no_ink","retry":false}\n\n']
          : []),
      ];
      const send = (): void => {
        const event = events.shift();
        if (event === undefined) return void response.end();
        response.write(event);
        setTimeout(send, 300);
      };
      send();
    } else if (how === 'text-stream') {
      response.writeHead(200, { 'Content-Type': 'text/plain', 'Tasker-Stream': 'true' });
      response.write('one ');
      setTimeout(() => response.end('two'), 300);
    } else if (how === 'echo')
      response.writeHead(200, json).end(JSON.stringify({ headers: request.headers, body }));
    else {
      // `later`, `twice`, `never`
      response.writeHead(202, { 'Tasker-Async': 'true' }).end();
      if (how !== 'never') setTimeout(() => void complete(call), 200);
      if (how === 'twice') setTimeout(() => void complete(call), 250);
    }
  });
}).listen(Number(port), '127.0.0.1', () => console.log('listening'));
