import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers';
import { buildAssets } from './scripts/assets.ts';
import { defineConfig } from 'vitest/config';

await buildAssets();
const migrations = await readD1Migrations('./migrations');
const NODE_TESTS = ['test/architecture.test.ts', 'test/e2e/**/*.test.ts'];
const BROWSER_TESTS = ['test/e2e/{dashboard,pages}.test.ts'];

export default defineConfig({
  test: {
    // Most of the end-to-end tests' time is waiting, so they do not take a core from the others.
    maxWorkers: 3,
    coverage: { provider: 'istanbul', include: ['src/**/*.ts'], reporter: ['text', 'html'] },
    projects: [
      {
        // In workerd, with real D1, Queues, Durable Objects, R2 and Cache, and a real Redis behind
        // a REST proxy.
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: {
                TEST_MIGRATIONS: migrations,
                APP_ENV: 'test',
                LOG_LEVEL: 'error',
                WEBHOOK_SECRETS: 'whsec_dGhlLXNlY3JldC1vZi10aGUtdGVzdHMhIQ==',
              },
            },
          }),
        ],
        test: {
          name: 'workers',
          // One runtime for all files, its storage reset before each: to start one takes a second.
          isolate: false,
          // Some fill tables with tens of thousands of rows, and machines differ.
          testTimeout: 20_000,
          include: ['test/**/*.test.ts'],
          exclude: NODE_TESTS,
          setupFiles: ['test/support/migrate.ts'],
          globalSetup: ['test/support/setup/services.ts'],
          sequence: { groupOrder: 1 },
        },
      },
      {
        // In Node: what reads the source, and what drives the real `npm start` from outside. Before
        // the others, for their bounds are the machine's whole: a busy one would be measured
        // instead of the service.
        test: {
          name: 'node',
          include: NODE_TESTS,
          exclude: BROWSER_TESTS,
          testTimeout: 120_000,
          hookTimeout: 125_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // The pages in a real browser.
        test: {
          name: 'browser',
          include: BROWSER_TESTS,
          testTimeout: 60_000,
          hookTimeout: 125_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
