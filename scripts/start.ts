import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { runWrangler, wrangler } from './wrangler.ts';

const HELP = `npm start -- [options]: migrates, builds and serves Tasker on this machine

  --port <n>        where to listen (default 8787)
  --state <folder>  where the data is kept (default .wrangler/state)
  --help            this text

Settings and secrets are read from .dev.vars; the README lists them.`;

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

const readOptions = () => {
  try {
    const options = {
      port: { type: 'string', default: '8787' },
      state: { type: 'string', default: '.wrangler/state' },
      help: { type: 'boolean' },
    } as const;
    return parseArgs({ options }).values;
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${HELP}`);
  }
};

/** Somebody else on the port is the usual trouble, and wrangler would silently take another one. */
const assertFree = (port: number): Promise<void> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () =>
      fail(`Port ${port} is in use. Stop what listens there, or choose another: npm start -- --port ${port + 1}`),
    );
    probe.listen(port, 'localhost', () => probe.close(() => resolve()));
  });

const readyText = (port: number): string => `
Tasker is ready on http://localhost:${port}   (Ctrl-C stops it)

  curl http://localhost:${port}/tasks -H 'Content-Type: application/json' -d '{"type":"sum","params":{"a":5,"b":3}}'
`;

const { port: portText, state, help } = readOptions();
if (help) {
  console.log(HELP);
  process.exit(0);
}
const port = Number(portText);
if (!Number.isInteger(port) || port < 1 || port > 65_535)
  fail(`--port takes a number from 1 to 65535, not "${portText}"`);
await assertFree(port);

console.log('Migrating the database …');
const migrated = await runWrangler(['d1', 'migrations', 'apply', 'DB', '--local', '--persist-to', state]);
if (migrated.code !== 0) fail(`The migration failed:\n${migrated.output}`);

console.log('Building and starting …');
const child = wrangler(
  ['dev', '--port', portText, '--persist-to', state, '--show-interactive-dev-session=false'],
  ['ignore', 'pipe', 'pipe'],
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));

// Until it is ready, wrangler tells its bindings: kept, and shown only if the start fails.
let startLog: string[] | null = [];
const show = (line: string): void => {
  if (startLog && line.includes('Ready on')) {
    startLog = null;
    console.log(readyText(port));
  } else if (startLog) startLog.push(line);
  // Tasker logs each request itself.
  else if (line !== '' && !line.startsWith('[wrangler:info]')) console.log(line);
};
for (const input of [child.stdout, child.stderr]) if (input) createInterface({ input }).on('line', show);
child.on('close', (code) => {
  if (startLog) console.error(`The service did not start:\n${startLog.join('\n')}`);
  process.exit(code ?? 0);
});
