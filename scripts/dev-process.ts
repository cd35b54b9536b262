import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';

const SERVER = fileURLToPath(new URL('dev-server.ts', import.meta.url));

export interface DevServerOptions {
  state: string;
  vars: [name: string, value: string][];
  /** Whether it builds again when a file changes. */
  watch: boolean;
  /** Whether the inspectors listen. */
  inspect: boolean;
  /** The file of the configuration. */
  config: string;
}

/**
 * What the inner process tells: it waits for the data folder, another has it, it holds it, it
 * serves.
 */
export type DevServerEvent =
  | { event: 'waiting' }
  | { event: 'locked' }
  | { event: 'holding' }
  | { event: 'ready'; url: string };

/**
 * Flags of V8 in MB, which Miniflare hands on: workerd leaves garbage where it lies as long as there is
 * room, young or old, and holds a third less with less of it, for a tenth of its speed.
 */
export const SMALL_HEAP = '--max-semi-space-size=1 --initial-old-space-size=4';

/** wrangler's own settings, which its command line would read by itself. */
const readWranglerEnv = (): NodeJS.ProcessEnv => {
  const { NODE_ENV: _, ...env } = process.env;
  const file = existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {};
  const flags = { MINIFLARE_WORKERD_V8_FLAGS: SMALL_HEAP };
  return { ...flags, ...file, ...env, CI: '1', X_LOCAL_EXPLORER: 'false' };
};

/**
 * Starts the process that serves the Worker on this machine. It ends when this one does, also by
 * SIGKILL, for then the channel between them closes.
 */
export const startDevProcess = (
  options: DevServerOptions,
  on: { event(event: DevServerEvent): void; line(text: string): void },
): ChildProcess => {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', SERVER, JSON.stringify(options)],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: readWranglerEnv() },
  );
  child.on('message', (event) => on.event(event as DevServerEvent));
  for (const input of [child.stdout, child.stderr])
    if (input) createInterface({ input }).on('line', on.line);
  return child;
};

const PARENT_CHECK_MS = 500;

/**
 * Ends this process when the npm that runs it is gone: killed by SIGKILL, npm leaves it behind.
 * Started by hand, it stays.
 */
export const endWithNpm = (end: () => void): void => {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && end(), PARENT_CHECK_MS).unref();
};
