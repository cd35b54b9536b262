import { readdirSync, readFileSync } from 'node:fs';
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers';
import { buildAssets } from './scripts/assets.ts';
import { defineConfig } from 'vitest/config';

await buildAssets();
const migrations = await readD1Migrations('./migrations');
const migrationFiles = Object.fromEntries(
  readdirSync('./migrations')
    .filter((file) => file.endsWith('.sql'))
    .map((file) => [file, readFileSync(`./migrations/${file}`, 'utf8')]),
);
const ENGINE_TESTS =
  'test/{cache,deliveries,domain,engine,live,metrics,platform,store}/**/*.test.ts';
const SHARD_TESTS = ['test/shards/**/*.test.ts', 'test/store/moves.test.ts'];
const NODE_TESTS = ['test/architecture.test.ts', 'test/e2e/**/*.test.ts'];
const BROWSER_TESTS = ['test/e2e/{dashboard,jobs,pages}.test.ts'];
const PAGE_SPEED_TESTS = ['test/e2e/page-speed.test.ts'];
const PUNCTUALITY_TESTS = ['test/e2e/{schedules,limits}.test.ts'];

/**
 * Tests in workerd, with real D1, Queues, Durable Objects, R2 and Cache, and a real Redis behind a
 * REST proxy. All files share one runtime, for to start one takes a second; its storage is reset
 * before each.
 */
const workersProject = (
  name: string,
  include: string[],
  exclude: string[],
  shards = Number(process.env['SHARDS'] ?? 1),
) => ({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: './wrangler.toml' },
      miniflare: {
        d1Databases: Object.fromEntries(
          Array.from({ length: shards - 1 }, (_, i) => [`DB_${i + 1}`, `shard-${i + 1}`]),
        ),
        bindings: {
          TEST_MIGRATIONS: migrations,
          TEST_MIGRATION_FILES: migrationFiles,
          APP_ENV: 'test',
          LOG_LEVEL: 'error',
          ROOT_SECRET: 'the-root-secret-of-the-tests-0123456789',
          WEBHOOK_SECRETS: 'whsec_dGhlLXNlY3JldC1vZi10aGUtdGVzdHMhIQ==',
        },
      },
    }),
  ],
  test: {
    name,
    isolate: false,
    // Libraries of hundreds of files, each bundled into one.
    deps: {
      optimizer: {
        ssr: {
          enabled: true,
          include: ['zod', 'openai', 'drizzle-orm', 'drizzle-orm/d1', 'drizzle-orm/sqlite-core'],
        },
      },
    },
    // Some fill tables with tens of thousands of rows, and machines differ.
    testTimeout: 20_000,
    include,
    exclude: [...NODE_TESTS, ...exclude],
    setupFiles: ['test/support/migrate.ts'],
    globalSetup: ['test/support/setup/services.ts'],
    sequence: { groupOrder: 1 },
  },
});

const lateProject = (name: string, include: string[], groupOrder: number) => ({
  test: {
    name,
    include,
    testTimeout: 60_000,
    hookTimeout: 125_000,
    sequence: { groupOrder },
  },
});

export default defineConfig({
  test: {
    // Most of the end-to-end tests' time is waiting, so they do not take a core from the others.
    maxWorkers: 3,
    // What was transformed once is read from disk the next time.
    fsModuleCache: true,
    coverage: { provider: 'istanbul', include: ['src/**/*.ts'], reporter: ['text', 'html'] },
    projects: [
      workersProject('engine', [ENGINE_TESTS], SHARD_TESTS),
      workersProject(
        'edge',
        ['test/**/*.test.ts'],
        [ENGINE_TESTS, 'test/model/**', ...SHARD_TESTS],
      ),
      workersProject('shards', SHARD_TESTS, [], 2),
      workersProject('model', ['test/model/*.test.ts'], []),
      {
        // In Node: what reads the source, and what drives the real `npm start` from outside. Before
        // the others, for their bounds are the machine's whole: a busy one would be measured
        // instead of the service.
        test: {
          name: 'node',
          include: NODE_TESTS,
          exclude: [...BROWSER_TESTS, ...PAGE_SPEED_TESTS, ...PUNCTUALITY_TESTS],
          testTimeout: 120_000,
          hookTimeout: 125_000,
          sequence: { groupOrder: 0 },
        },
      },
      // The pages in a real browser, after the others; what has bounds of time, last and alone.
      lateProject('browser', BROWSER_TESTS, 2),
      lateProject('speed', PAGE_SPEED_TESTS, 3),
      lateProject('punctuality', PUNCTUALITY_TESTS, 4),
    ],
  },
});
