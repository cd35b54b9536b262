import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { buildAssets, watchAssets } from './assets.ts';
import { endWithNpm, startDevProcess, type DevServerEvent } from './dev-process.ts';
import { startGuard } from './guard.ts';
import { formatLogLine } from './log-lines.ts';
import { fail, readOptions, wholeNumber } from './options.ts';
import { findDatabaseBindings } from './deploy/environment.ts';
import { readConfig, runOnLocalDatabase, useShards } from './wrangler.ts';

const HELP = `npm start -- [options]: migrates, builds and serves Tasker on this machine

  --port <n>        where to listen (default 8787)
  --state <folder>  where the data is kept (default .wrangler/state)
  --var <NAME:value> a setting for this run alone; may be given several times
  --watch           builds again when a file changes, as npm run dev does
  --shards <n>      so many databases instead of those of wrangler.toml
  --inspect         lets a debugger in: any program of this machine may then look into the service
  --help            this text

On a terminal the log is written for people; piped, it is lines of JSON.
Settings and secrets are read from .dev.vars; docs/configuration.md lists them.`;

const at = (port: number): string => (port === 8787 ? '' : `TASKER_URL=http://localhost:${port} `);
const readyText = (port: number): string => `
Tasker is ready on http://localhost:${port}   (Ctrl-C stops it)

  Dashboard  http://localhost:${port}/
  API        http://localhost:${port}/docs
  Demo       ${at(port)}npm run demo
  Terminal   ${at(port)}npm run tasker -- submit sum a=5 b=3 --wait

  curl http://localhost:${port}/tasks -H 'Content-Type: application/json' -d '{"type":"sum","params":{"a":5,"b":3}}'
`;

const splitVar = (text: string): [name: string, value: string] => [
  text.slice(0, text.indexOf(':')),
  text.slice(text.indexOf(':') + 1),
];

/** Wrong settings would be a 503 at every request: better said now. */
const assertSettings = async (vars: string[]): Promise<void> => {
  // As wrangler will build it: some defaults are for this machine alone.
  process.env['NODE_ENV'] = 'development';
  const { readSettings } = await import('../src/settings.ts');
  const file = existsSync('.dev.vars') ? parseEnv(readFileSync('.dev.vars', 'utf8')) : {};
  try {
    readSettings({ ...file, ...Object.fromEntries(vars.map(splitVar)) });
  } catch (error) {
    fail((error as Error).message);
  }
};

const {
  port: portText,
  state,
  var: vars,
  watch: isWatching,
  inspect: isInspected,
  shards,
} = readOptions(HELP, {
  port: { type: 'string', default: '8787' },
  state: { type: 'string', default: '.wrangler/state' },
  var: { type: 'string', multiple: true, default: [] },
  watch: { type: 'boolean', default: false },
  inspect: { type: 'boolean', default: false },
  shards: { type: 'string' },
});
const config =
  shards === undefined ? 'wrangler.toml' : useShards(wholeNumber('shards', shards, 1, 100));
const port = wholeNumber('port', portText, 1, 65_535);
await assertSettings(vars);
const guard = await startGuard(port).catch((error: NodeJS.ErrnoException) =>
  fail(
    error.code === 'EADDRINUSE'
      ? `Port ${port} is in use. Stop what listens there, or choose another: npm start -- --port ${port + 1}`
      : `Cannot listen on port ${port}: ${error.message}`,
  ),
);

const migrate = async (): Promise<void> => {
  console.log('Migrating the database …');
  const place = ['--local', '--persist-to', state];
  for (const name of findDatabaseBindings(readConfig())) {
    const { code, output } = await runOnLocalDatabase([
      'd1',
      'migrations',
      'apply',
      name,
      ...place,
    ]);
    if (code !== 0) fail(`The migration failed:\n${output}`);
  }
};

// Until it is ready, wrangler tells its bindings: kept, and shown only if the start fails.
let startLog: string[] | null = [];
const showLine = (line: string): void => {
  if (startLog) startLog.push(line);
  // Tasker logs each request itself.
  else if (line !== '' && !line.startsWith('[wrangler:info]'))
    console.log(process.stdout.isTTY ? formatLogLine(line) : line);
};

const onEvent = async (message: DevServerEvent): Promise<void> => {
  switch (message.event) {
    case 'waiting':
      return console.log(`Waiting for the data folder ${state}, which is in use …`);
    case 'locked':
      return fail(
        `The data folder ${state} is in use by another npm start. Stop that one, or choose ` +
          'another folder: npm start -- --state <folder>',
      );
    case 'holding':
      await migrate();
      console.log('Building and starting …');
      await buildAssets();
      if (isWatching) watchAssets();
      return void child.send('migrated');
    case 'ready':
      startLog = null;
      guard.passTo(message.url);
      return console.log(readyText(port));
  }
};

const child = startDevProcess(
  { state, vars: vars.map(splitVar), watch: isWatching, inspect: isInspected, config },
  { event: (message) => void onEvent(message), line: showLine },
);
let isStopping = false;
const stop = (signal: NodeJS.Signals): void => {
  isStopping = true;
  child.kill(signal);
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
endWithNpm(() => stop('SIGTERM'));
child.on('close', (code) => {
  if (startLog && !isStopping) console.error(`The service did not start:\n${startLog.join('\n')}`);
  process.exit(isStopping ? 0 : (code ?? 1));
});
