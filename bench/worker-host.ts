import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { unstable_getMiniflareWorkerOptions } from 'wrangler';
import { freePort } from '../scripts/service.ts';
import type { D1Like } from './worker.ts';

// A process of its own, which `startWorker` starts: what runs in it can be pinned to a core and its
// CPU counted, without the load.

const FLOOR = `import { Hono } from './hono.js'; export default new Hono().get('/ping', (c) => c.text('pong'));`;
const MIGRATIONS = 'migrations';

/** What the parent asks of the database. */
interface Asked {
  id: number;
  sql: string;
  values: unknown[];
}

/** Starts it on an empty database of its own. */
const start = async (folder: string) => {
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
  const send = (message: object): void => void process.send?.(message);
  process.on('message', ({ id, sql, values }: Asked) => {
    const statement = db.prepare(sql);
    const asked = values.length > 0 ? statement.bind(...values).all() : statement.run();
    asked.then(
      (answer) => send({ id, answer }),
      (error: unknown) => send({ id, error: String(error) }),
    );
  });
  process.on('disconnect', () => {
    void mf.dispose().finally(() => {
      rmSync(state, { recursive: true, force: true });
      process.exit(0);
    });
  });
  send({ url: `http://127.0.0.1:${port}`, floorUrl: `http://127.0.0.1:${floorPort}/ping` });
};

await start(process.argv[2] ?? '');
