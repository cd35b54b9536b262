import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import {
  addDatabases,
  deriveConfig,
  findDatabaseBindings,
  readResources,
} from '../../scripts/deploy/environment.ts';
import { findMigrationProblem } from '../platform/split-migration.ts';
import { startCloudflareApi, type ApiCall } from '../support/cloudflare-api.ts';

// The whole deploy against a stand-in for the vendor's API.

const deploy = async (
  api: { env: Record<string, string> },
  args: string[],
  more: Record<string, string> = {},
): Promise<{ code: number | null; output: string }> => {
  const env = { ...process.env, ...api.env, ...more };
  const child = spawn(process.execPath, ['scripts/deploy.ts', ...args], { env });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, output };
};
const isChange = ({ method, path }: ApiCall): boolean =>
  method !== 'GET' && !path.endsWith('/query');

afterAll(() => rmSync('wrangler.staging.toml', { force: true }));

describe('several databases', () => {
  const toml = readFileSync('wrangler.toml', 'utf8');

  it('are bindings of their own, under names of their environment', () => {
    const three = addDatabases(toml, 3);
    expect(findDatabaseBindings(three)).toEqual(['DB', 'DB_1', 'DB_2']);
    expect(readResources(three).databases).toEqual(['tasker', 'tasker-1', 'tasker-2']);
    const staging = deriveConfig(three, 'staging');
    expect(readResources(staging).databases).toEqual([
      'tasker-staging',
      'tasker-staging-1',
      'tasker-staging-2',
    ]);
    expect(three.match(/^migrations_dir = /gm)).toHaveLength(3);
  });

  it('come one after the other, and never go', () => {
    expect(addDatabases(addDatabases(toml, 2), 3)).toBe(addDatabases(toml, 3));
    const three = addDatabases(toml, 3);
    expect(addDatabases(three, 1)).toBe(three);
    expect(addDatabases(deriveConfig(toml, 'staging'), 2)).toContain('"tasker-staging-1"');
    expect(() => addDatabases('name = "tasker"', 2)).toThrow('no database');
  });
});

describe('npm run deploy', () => {
  it('makes what is missing under names of its environment, migrates, and uploads what it checked', async () => {
    const api = await startCloudflareApi();
    const args = ['--env', 'staging', '--no-smoke'];
    const { code, output } = await deploy(api, args, { LOCATION_HINT: 'weur' });
    await api.stop();
    expect([code, output]).toEqual([0, expect.stringContaining('The bundle has no development')]);
    const made = api.calls.flatMap(({ method, path, body }) =>
      method === 'POST' && ['/queues', '/d1/database', '/r2/buckets'].includes(path)
        ? [JSON.parse(body.toString()) as Record<string, string>]
        : [],
    );
    const names = made.map(({ queue_name, name }) => queue_name ?? name);
    expect(names).toHaveLength(10);
    expect(names.every((name) => name?.startsWith('tasker-staging'))).toBe(true);
    expect(made).toContainEqual({ name: 'tasker-staging', primary_location_hint: 'weur' });

    // Each file as the server splits it, and all before the code that needs them.
    const asked = api.calls.filter(({ path }) => path.endsWith('/query'));
    const texts = asked.map(({ body }) => (JSON.parse(body.toString()) as { sql: string }).sql);
    const rebuilt = texts.findIndex((sql) => sql.includes('tasks_rebuilt'));
    expect(rebuilt).toBeGreaterThan(0);
    expect(texts.map(findMigrationProblem).filter((problem) => problem !== null)).toEqual([]);
    const upload = api.calls.find(
      ({ method, path }) => method === 'PUT' && path === '/workers/scripts/tasker-staging',
    );
    expect(api.calls.indexOf(upload as ApiCall)).toBeGreaterThan(
      api.calls.indexOf(asked.at(-1) as ApiCall),
    );
    const headers = { 'Content-Type': upload?.contentType ?? '' };
    const form = await new Response(new Uint8Array(upload?.body ?? []), { headers }).formData();
    expect(await (form.get('index.js') as File).text()).toBe(
      readFileSync('dist/worker/index.js', 'utf8'),
    );
    const metadata = JSON.parse(form.get('metadata') as string) as {
      bindings: { name: string; text?: string }[];
    };
    const textOf = (name: string) => metadata.bindings.find((each) => each.name === name)?.text;
    expect([textOf('APP_ENV'), textOf('LOCATION_HINT')]).toEqual(['staging', 'weur']);
    expect(textOf('ROOT_SECRET')?.length).toBeGreaterThan(40);
    expect(output).not.toContain(textOf('ROOT_SECRET'));
  });

  it('says all that is in the way, in words, before it changes anything', async () => {
    const api = await startCloudflareApi({
      'GET /r2/buckets': [403, 10_042, 'Please enable R2 through the Cloudflare Dashboard.'],
      'GET /queues': [403, 100_328, 'Queues is not available on the free plan.'],
    });
    const { code, output } = await deploy(api, [], { LOCATION_HINT: 'mars' });
    await api.stop();
    expect(code).toBe(1);
    for (const words of ['Nothing was changed', 'R2 is not enabled', 'Workers Paid', '"mars"'])
      expect(output).toContain(words);
    expect(api.calls.filter(isChange)).toEqual([]);
  });

  it('asks which of several accounts is meant', async () => {
    const api = await startCloudflareApi({}, ['a'.repeat(32), 'b'.repeat(32)]);
    const { code, output } = await deploy(api, []);
    await api.stop();
    expect([code, output]).toEqual([1, expect.stringContaining('CLOUDFLARE_ACCOUNT_ID')]);
    expect(api.calls.filter(isChange)).toEqual([]);
  });
});
