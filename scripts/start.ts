import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseEnv } from 'node:util';
import { buildAssets, watchAssets } from './assets.ts';
import { startGuard } from './guard.ts';
import { fail, readOptions, wholeNumber } from './options.ts';
import { runWrangler, wrangler } from './wrangler.ts';

const HELP = `npm start -- [options]: migrates, builds and serves Tasker on this machine

  --port <n>        where to listen (default 8787)
  --state <folder>  where the data is kept (default .wrangler/state)
  --var <NAME:value> a setting for this run alone; may be given several times
  --watch           builds the page again when it changes, as npm run dev does
  --help            this text

Settings and secrets are read from .dev.vars; docs/configuration.md lists them.`;

const readyText = (port: number): string => `
Tasker is ready on http://localhost:${port}   (Ctrl-C stops it)

  curl http://localhost:${port}/tasks -H 'Content-Type: application/json' -d '{"type":"sum","params":{"a":5,"b":3}}'
`;

/** Wrong settings would be a 503 at every request: better said now. */
const assertSettings = async (vars: string[]): Promise<void> => {
  // As wrangler will build it: some defaults are for this machine alone.
  process.env['NODE_ENV'] = 'development';
  const { readSettings } = await import('../src/settings.ts');
  const given = vars.map((text) => [
    text.slice(0, text.indexOf(':')),
    text.slice(text.indexOf(':') + 1),
  ]);
  const file = existsSync('.dev.vars') ? parseEnv(readFileSync('.dev.vars', 'utf8')) : {};
  try {
    readSettings({ ...file, ...Object.fromEntries(given) });
  } catch (error) {
    fail((error as Error).message);
  }
};

const {
  port: portText,
  state,
  var: vars,
  watch: isWatching,
} = readOptions(HELP, {
  port: { type: 'string', default: '8787' },
  state: { type: 'string', default: '.wrangler/state' },
  var: { type: 'string', multiple: true, default: [] },
  watch: { type: 'boolean', default: false },
});
const port = wholeNumber('port', portText, 1, 65_535);
await assertSettings(vars);
const guard = await startGuard(port).catch((error: NodeJS.ErrnoException) =>
  fail(
    error.code === 'EADDRINUSE'
      ? `Port ${port} is in use. Stop what listens there, or choose another: npm start -- --port ${port + 1}`
      : `Cannot listen on port ${port}: ${error.message}`,
  ),
);

console.log('Migrating the database …');
const migrated = await runWrangler([
  'd1',
  'migrations',
  'apply',
  'DB',
  '--local',
  '--persist-to',
  state,
]);
if (migrated.code !== 0) fail(`The migration failed:\n${migrated.output}`);

console.log('Building and starting …');
await buildAssets();
// wrangler itself watches what the Worker is built from, and the built page.
if (isWatching) watchAssets();
const child = wrangler(
  [
    'dev',
    // Any that is free: the guard is what callers meet.
    '--port',
    '0',
    '--persist-to',
    state,
    '--show-interactive-dev-session=false',
    ...vars.flatMap((each) => ['--var', each]),
  ],
  ['ignore', 'pipe', 'pipe'],
);
let isStopping = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    isStopping = true;
    child.kill(signal);
  });
}

// Until it is ready, wrangler tells its bindings: kept, and shown only if the start fails.
let startLog: string[] | null = [];
const show = (line: string): void => {
  const address = /Ready on (http:\/\/\S+)/.exec(line)?.[1];
  if (startLog && address) {
    startLog = null;
    guard.passTo(address.replace('localhost', '127.0.0.1'));
    console.log(readyText(port));
  } else if (startLog) startLog.push(line);
  // Tasker logs each request itself.
  else if (line !== '' && !line.startsWith('[wrangler:info]')) console.log(line);
};
for (const input of [child.stdout, child.stderr])
  if (input) createInterface({ input }).on('line', show);
child.on('close', (code) => {
  if (startLog && !isStopping) console.error(`The service did not start:\n${startLog.join('\n')}`);
  process.exit(isStopping ? 0 : (code ?? 1));
});
