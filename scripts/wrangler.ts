import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { addDatabases, deriveConfig } from './deploy/environment.ts';
import type { RunWrangler } from './deploy/run.ts';

const WRANGLER = fileURLToPath(
  new URL('../node_modules/wrangler/bin/wrangler.js', import.meta.url),
);

const ROOT = new URL('..', import.meta.url);
let config: string | undefined;

/** Has every command from now on be about another environment than the one of wrangler.toml. */
export const useEnvironment = (environment: string): void => {
  const toml = deriveConfig(readFileSync(new URL('wrangler.toml', ROOT), 'utf8'), environment);
  const file = new URL(`wrangler.${environment}.toml`, ROOT);
  writeFileSync(
    file,
    `# Derived from wrangler.toml by --env ${environment}: not to be edited.\n${toml}`,
  );
  config = fileURLToPath(file);
};

/** Has every command from now on be about the configuration with so many databases. */
export const useShards = (count: number): string => {
  const file = new URL(`wrangler.shards-${count}.toml`, ROOT);
  const note = `# Derived from wrangler.toml by --shards ${count}: not to be edited.\n`;
  writeFileSync(file, note + addDatabases(readConfig(), count));
  config = fileURLToPath(file);
  return config;
};

/** The configuration that commands are about. */
export const readConfig = (): string =>
  readFileSync(config ?? new URL('wrangler.toml', ROOT), 'utf8');

/**
 * The project's own wrangler, run by this very Node; never asks a question (CI=1) and never builds
 * as something else.
 */
export const wrangler = (args: readonly string[], stdio: StdioOptions): ChildProcess => {
  const { NODE_ENV: _, ...env } = process.env;
  const about = config === undefined ? [] : ['--config', config];
  return spawn(process.execPath, [WRANGLER, ...args, ...about], {
    stdio,
    env: { ...env, CI: '1' },
  });
};

/** Runs wrangler to its end and returns what it printed. */
export const runWrangler: RunWrangler = async (args) => {
  const child = wrangler(args, ['ignore', 'pipe', 'pipe']);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number>((resolve) =>
    child.on('close', (status) => resolve(status ?? 1)),
  );
  return { code, output };
};

const LOCKED_RETRIES = 40;

/**
 * Runs a wrangler command on the local database, again while another process is writing to it:
 * SQLite then answers SQLITE_BUSY, which wrangler ends with. The command may have been carried
 * out before that answer, so it has to be one that can be repeated.
 */
export const runOnLocalDatabase: RunWrangler = async (args) => {
  for (let retry = 0; ; retry += 1) {
    const ended = await runWrangler(args);
    const isLocked = ended.code !== 0 && ended.output.includes('SQLITE_BUSY');
    if (!isLocked || retry === LOCKED_RETRIES) return ended;
  }
};
