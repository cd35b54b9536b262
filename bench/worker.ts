import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { unstable_getMiniflareWorkerOptions } from 'wrangler';
import { makeKey } from '../src/domain/make-key.ts';
import { buildAssets } from '../scripts/assets.ts';
import { fail } from '../scripts/options.ts';
import { freePort } from '../scripts/service.ts';
import { runWrangler } from '../scripts/wrangler.ts';

/** The Worker as it is deployed, in workerd, met directly: no proxy of wrangler's in between. */
export interface BenchWorker {
  url: string;
  /** A worker beside it with one route, `GET /ping`: what the runtime itself can do. */
  floorUrl: string;
  /** A key of an owner of its own. */
  newOwner(): Promise<{ owner: string; headers: Record<string, string> }>;
  db: D1Like;
  /** Megabytes that workerd holds. */
  memoryMb(): number;
  stop(): Promise<void>;
}

interface D1Like {
  prepare(sql: string): {
    bind(...values: unknown[]): {
      run(): Promise<unknown>;
      all(): Promise<{
        results: Record<string, unknown>[];
        meta: { rows_read: number; rows_written: number };
      }>;
    };
    run(): Promise<unknown>;
  };
}

const FLOOR = `import { Hono } from './hono.js'; export default new Hono().get('/ping', (c) => c.text('pong'));`;
const MIGRATIONS = 'migrations';

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

/** The process that runs the Worker: the child of this one with that name. */
const workerdPid = (): string | undefined =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .find((pid) => {
      try {
        const [, , state] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(/\(|\) /);
        return (
          readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'workerd' &&
          state?.split(' ')[1] === String(process.pid)
        );
      } catch {
        return false; // It ended meanwhile.
      }
    });

/** Starts it on an empty database of its own. */
export const startWorker = async (folder: string): Promise<BenchWorker> => {
  const state = mkdtempSync(join(tmpdir(), 'tasker-bench-'));
  const [port, floorPort] = [await freePort(), await freePort()];
  const { workerOptions, externalWorkers } = unstable_getMiniflareWorkerOptions('wrangler.toml');
  // Static files are served beside the Worker, not by it: locally a router and a proxy would stand
  // in front of it.
  const { assets: _, ...own } = workerOptions;
  const script = readdirSync(folder).find((file) => file.endsWith('.js')) ?? 'index.js';
  // Thousands a second are not one key's usual use.
  const unlimited = Object.fromEntries(
    Object.entries(workerOptions.ratelimits ?? {}).map(([name, limit]) => [
      name,
      { ...(limit as object), simple: { limit: 1_000_000_000, period: 60 as const } },
    ]),
  );
  const mf = new Miniflare(
    convertV4MiniflareOptions({
      d1Persist: join(state, 'd1'),
      durableObjectsPersist: join(state, 'do'),
      r2Persist: join(state, 'r2'),
      workflowsPersist: join(state, 'workflows'),
      workers: [
        {
          ...own,
          name: 'tasker',
          modules: [
            {
              type: 'ESModule',
              path: 'index.js',
              contents: readFileSync(join(folder, script), 'utf8'),
            },
          ],
          bindings: {
            ...(workerOptions.bindings as object),
            APP_ENV: 'bench',
            ROOT_SECRET: randomBytes(32).toString('hex'),
            LOG_LEVEL: 'warn',
            MAX_UNFINISHED_TASKS: '10000000',
            // The table is filled with old tasks.
            RETENTION_DAYS: '0',
          },
          ratelimits: unlimited,
          unsafeDirectSockets: [{ host: '127.0.0.1', port }],
        },
        ...externalWorkers,
        {
          name: 'floor',
          compatibilityDate: workerOptions.compatibilityDate ?? '2026-10-23',
          modules: [
            { type: 'ESModule', path: 'index.js', contents: FLOOR },
            {
              type: 'ESModule',
              path: 'hono.js',
              contents: readFileSync('dist/bench/hono.js', 'utf8'),
            },
          ],
          unsafeDirectSockets: [{ host: '127.0.0.1', port: floorPort }],
        },
      ],
    } as Parameters<typeof convertV4MiniflareOptions>[0]),
  );
  await mf.ready;
  const db = (await mf.getD1Database('DB', 'tasker')) as unknown as D1Like;
  for (const file of readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.sql'))
    .toSorted()) {
    for (const statement of readFileSync(join(MIGRATIONS, file), 'utf8').split(
      '--> statement-breakpoint',
    ))
      await db.prepare(statement.trim()).run();
  }
  let owners = 0;
  return {
    url: `http://127.0.0.1:${port}`,
    floorUrl: `http://127.0.0.1:${floorPort}/ping`,
    db,
    async newOwner() {
      const owner = `bench-${(owners += 1)}`;
      const fields = { owner, name: owner, scopes: ['admin' as const], expiresAt: null };
      const { key, row } = await makeKey(fields, Date.now());
      const columns = Object.keys(row);
      await db
        .prepare(
          `INSERT INTO keys (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
        )
        .bind(...Object.values(row))
        .run();
      return { owner, headers: { Authorization: `Bearer ${key}` } };
    },
    memoryMb() {
      const pid = workerdPid();
      const kb =
        pid === undefined
          ? NaN
          : Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
      return Math.round(kb / 1_024);
    },
    async stop() {
      await mf.dispose();
      rmSync(state, { recursive: true, force: true });
    },
  };
};
