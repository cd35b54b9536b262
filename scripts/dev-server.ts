import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { DevServerEvent, DevServerOptions } from './dev-process.ts';

// The inner process of `npm start`: it alone touches the data folder, and ends with the outer one,
// however that ends. Started by scripts/dev-process.ts, with its options as the one argument.

const { state, vars, watch, inspect, config } = JSON.parse(
  process.argv[2] ?? '{}',
) as DevServerOptions;

const send = (event: DevServerEvent): void => void process.send?.(event);

// The exit hooks of wrangler kill what it has started.
process.on('disconnect', () => process.exit(1));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => process.exit(0));
if (!process.connected) process.exit(1);

/** SQLite's code for a database that another process has locked. */
const BUSY = 5;
const LOCK_TRIES = 50;
const LOCK_PAUSE_MS = 100;

/**
 * Takes the folder for this process: a lock that the system itself drops when the process ends,
 * killed or not. What was killed just now may take some seconds to be gone.
 */
const lock = async (): Promise<DatabaseSync | null> => {
  mkdirSync(state, { recursive: true });
  const database = new DatabaseSync(join(state, 'lock.sqlite'), { timeout: 0 });
  for (let attempt = 0; attempt < LOCK_TRIES; attempt += 1) {
    try {
      database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
      return database;
    } catch (error) {
      if ((error as { errcode?: number }).errcode !== BUSY) throw error;
      if (attempt === 0) send({ event: 'waiting' });
    }
    await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
  }
  return null;
};

const held = await lock();
if (held === null) {
  send({ event: 'locked' });
  process.disconnect();
  process.exit(1);
}
// Named here, so that it is not collected, and the lock with it.
process.on('exit', () => held.close());
const migrated = new Promise<unknown>((go) => process.once('message', go));
send({ event: 'holding' });
await migrated;

// Imported after the handlers above, for it has its own.
const { unstable_startWorker: startWorker } = await import('wrangler');
const worker = await startWorker({
  config,
  bindings: Object.fromEntries(
    vars.map(([name, value]) => [name, { type: 'plain_text' as const, value }]),
  ),
  dev: {
    persist: state,
    // Any port that is free: the guard is what callers meet.
    server: { hostname: '127.0.0.1', port: 0 },
    // It takes orders from any page that finds its port.
    ...(!inspect && { inspector: false as const }),
    remote: false,
    watch,
    logLevel: 'log',
  },
});
await worker.ready;
const url = (await worker.url).href;
// It is ready when its proxy is; the Worker behind it is up once it answers.
await fetch(new URL('/openapi.json', url), { method: 'HEAD' });
send({ event: 'ready', url });
