import { fork } from 'node:child_process';
import { once } from 'node:events';
import { makeKey } from '../src/domain/make-key.ts';
import { buildAssets } from '../scripts/assets.ts';
import { fail } from '../scripts/options.ts';
import { runWrangler } from '../scripts/wrangler.ts';
import { listTree, readResidentMb } from './processes.ts';

/** The Worker as it is deployed, in workerd, met directly: no proxy of wrangler's in between. */
export interface BenchWorker {
  url: string;
  /** A worker beside it with one route, `GET /ping`: what the runtime itself can do. */
  floorUrl: string;
  /** A key of an owner of its own. */
  newOwner(): Promise<{ owner: string; headers: Record<string, string> }>;
  db: D1Like;
  /** The process that all of it runs in, and below. */
  pid: number;
  /** Megabytes that workerd holds. */
  memoryMb(): number;
  stop(): Promise<void>;
}

interface D1Answer {
  results: Record<string, unknown>[];
  meta: { rows_read: number; rows_written: number };
}

export interface D1Like {
  prepare(sql: string): {
    bind(...values: unknown[]): { run(): Promise<D1Answer>; all(): Promise<D1Answer> };
    run(): Promise<D1Answer>;
  };
}

/** Builds once; `entry` other than the Worker's own is for counting. */
export const buildWorker = async (folder: string, entry?: string): Promise<void> => {
  await buildAssets();
  const { code, output } = await runWrangler([
    'deploy',
    ...(entry ? [entry] : []),
    '--minify',
    '--dry-run',
    '--outdir',
    folder,
  ]);
  if (code !== 0) fail(`The Worker could not be built:\n${output}`);
};

const HOST = new URL('worker-host.ts', import.meta.url).pathname;

/**
 * Starts it on an empty database of its own, in a process of its own. `folder`: what was built.
 * @param v8Flags none unless given
 */
export const startWorker = async (folder: string, v8Flags = ''): Promise<BenchWorker> => {
  const host = fork(HOST, [folder], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, ...(v8Flags !== '' && { MINIFLARE_WORKERD_V8_FLAGS: v8Flags }) },
  });
  const [urls] = (await Promise.race([once(host, 'message'), once(host, 'exit')])) as [
    { url: string; floorUrl: string } | number,
  ];
  if (typeof urls === 'number') return fail('The Worker did not start');
  const { pid = 0 } = host;
  const waiting = new Map<
    number,
    { resolve(answer: D1Answer): void; reject(error: Error): void }
  >();
  host.on('message', (message: { id: number; answer: D1Answer; error?: string }) => {
    const asked = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error === undefined) asked?.resolve(message.answer);
    else asked?.reject(new Error(message.error));
  });
  let calls = 0;
  const ask = (sql: string, values: unknown[]): Promise<D1Answer> =>
    new Promise((resolve, reject) => {
      calls += 1;
      waiting.set(calls, { resolve, reject });
      host.send({ id: calls, sql, values });
    });
  const prepare: D1Like['prepare'] = (sql) => ({
    bind: (...values) => ({ run: () => ask(sql, values), all: () => ask(sql, values) }),
    run: () => ask(sql, []),
  });
  let owners = 0;
  return {
    ...urls,
    pid,
    db: { prepare },
    async newOwner() {
      const owner = `bench-${(owners += 1)}`;
      const fields = { owner, name: owner, scopes: ['admin' as const], expiresAt: null };
      const { key, row } = await makeKey(fields, Date.now());
      const columns = Object.keys(row);
      const places = columns.map(() => '?').join(', ');
      await ask(`INSERT INTO keys (${columns.join(', ')}) VALUES (${places})`, Object.values(row));
      return { owner, headers: { Authorization: `Bearer ${key}` } };
    },
    memoryMb: () => readResidentMb(listTree([pid]).filter(({ command }) => command === 'workerd')),
    async stop() {
      const ended = once(host, 'exit');
      host.disconnect();
      await ended;
    },
  };
};
