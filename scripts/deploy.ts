import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildAssets } from './assets.ts';
import { findDatabaseBindings, readResources } from './deploy/environment.ts';
import { explainFailure } from './deploy/explain.ts';
import { findObstacles, findPlace } from './deploy/preflight.ts';
import { smokeTest } from './deploy/smoke.ts';
import { fail, readOptions } from './options.ts';
import { readConfig, runWrangler, useEnvironment } from './wrangler.ts';

const HELP = `npm run deploy: creates what wrangler.toml names and your account lacks, migrates, deploys, and tries it

Safe to repeat. Needs "npx wrangler login" once, or CLOUDFLARE_API_TOKEN in the environment.
LOCATION_HINT in the environment (weur, eeur, apac, oc, wnam, enam) says where the database is to live.

  --env <name>  another environment of the same account, with names of its own: tasker-<name>
  --url <url>   where the service is reached, if not at the address that the deploy tells
  --no-smoke    do not run a task on it afterwards
  --dry-run     only build, and check what would be uploaded
  --help        this text`;

const options = readOptions(HELP, {
  env: { type: 'string' },
  url: { type: 'string' },
  'no-smoke': { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
});

// Minified, for that is what drops branches that are false in this build.
const BUILD = ['deploy', '--minify', '--dry-run', '--outdir', 'dist/worker'];
/** The very file that was checked. */
const UPLOAD = ['deploy', 'dist/worker/index.js', '--no-bundle'];

const ROOT_SECRET = 'ROOT_SECRET';

/** Whether the deployed Worker has this secret; a Worker that is not there has none. */
const hasSecret = async (name: string): Promise<boolean> => {
  const { code, output } = await runWrangler(['secret', 'list', '--format', 'json']);
  if (code === 0) return output.includes(`"${name}"`);
  if (/\[code: 10007\]|does not exist|not found/i.test(output)) return false;
  return failWith(['secret', 'list'], output);
};

/**
 * A file with the secrets that the Worker lacks, to be uploaded with it; null where it has all. It
 * is deleted when this process ends.
 */
const writeMissingSecrets = async (): Promise<string | null> => {
  if (await hasSecret(ROOT_SECRET)) {
    console.log(`Secret ${ROOT_SECRET}: there`);
    return null;
  }
  const folder = mkdtempSync(join(tmpdir(), 'tasker-deploy-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'secrets.json');
  const secret = randomBytes(32).toString('base64url');
  writeFileSync(file, JSON.stringify({ [ROOT_SECRET]: secret }), { mode: 0o600 });
  console.log(`Secret ${ROOT_SECRET}: made; nobody has seen it, and nobody needs to`);
  return file;
};

/** What opens a development build to its own machine must not be in the deployed one. */
const assertClosed = (): void => {
  const bundle = readFileSync(new URL('../dist/worker/index.js', import.meta.url), 'utf8');
  const left = ['MF-Original-URL', 'X-Envoy-External-Address'].filter((word) =>
    bundle.includes(word),
  );
  if (left.length > 0)
    fail(`The deploy bundle still has the development branch: ${left.join(', ')}`);
  if (!bundle.includes('key_missing')) fail('The deploy bundle never asks for a key');
  console.log('The bundle has no development branch');
};

const failWith = (args: readonly string[], output: string): never => {
  const why = explainFailure(output);
  return fail(`"wrangler ${args.join(' ')}" failed:\n${output}${why === null ? '' : `\n${why}`}`);
};

const step = async (what: string, args: readonly string[]): Promise<void> => {
  console.log(`${what} …`);
  const { code, output } = await runWrangler(args);
  if (code !== 0) failWith(args, output);
};

/** Creates what is missing and leaves alone what is there. */
const ensure = async (what: string, create: readonly string[]): Promise<void> => {
  const { code, output } = await runWrangler(create);
  const isThere =
    code !== 0 && /already (exists|taken|in use|own)|\[code: (11009|10004)\]/i.test(output);
  if (code !== 0 && !isThere) failWith(create, output);
  console.log(`${what}: ${isThere ? 'there' : 'created'}`);
};

if (options.env !== undefined) {
  try {
    useEnvironment(options.env);
  } catch (error) {
    fail((error as Error).message);
  }
}
await buildAssets();
const built = await runWrangler(BUILD);
if (options['dry-run']) console.log(built.output);
if (built.code !== 0) failWith(BUILD, built.output);
assertClosed();
if (options['dry-run']) process.exit(0);

const hint = process.env['LOCATION_HINT'];
const obstacles = await findObstacles(runWrangler, hint);
if (obstacles.length > 0) fail(`Nothing was changed.\n\n- ${obstacles.join('\n- ')}`);
const place = findPlace(hint);
const at = place === undefined ? [] : ['--location', place];
const { worker, queues, databases, buckets } = readResources(readConfig());
for (const queue of queues) await ensure(`Queue ${queue}`, ['queues', 'create', queue]);
for (const name of databases) await ensure(`Database ${name}`, ['d1', 'create', name, ...at]);
for (const name of buckets) await ensure(`Bucket ${name}`, ['r2', 'bucket', 'create', name, ...at]);
// Before the code that needs it; the code before it does not mind.
for (const name of findDatabaseBindings(readConfig()))
  await step(`Migrating ${name}`, ['d1', 'migrations', 'apply', name, '--remote']);
console.log('Deploying …');
const secrets = await writeMissingSecrets();
const upload = [
  ...UPLOAD,
  ...(hint === undefined ? [] : ['--var', `LOCATION_HINT:${hint}`]),
  ...(secrets === null ? [] : ['--secrets-file', secrets]),
];
const { code, output } = await runWrangler(upload);
console.log(output);
if (code !== 0) failWith(upload, output);
const found = new RegExp(`https://${worker}\\.[\\w.-]+`).exec(output);
const url = options.url ?? found?.[0];
if (options['no-smoke']) process.exit(0);
if (url === undefined)
  fail('Deployed, but not tried: it has no workers.dev address. Give its own with --url');
console.log(`Trying ${url} …`);
try {
  const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  const ms = await smokeTest(url ?? '', { run: runWrangler, fetch, now: Date.now, wait });
  console.log(`It works: a sum took ${(ms / 1_000).toFixed(1)} s, by a key that is gone again`);
} catch (error) {
  fail(
    `Deployed, but a task did not come back:\n${(error as Error).message}\n` +
      '"npx wrangler rollback" brings the version before back; docs/operate.md tells more',
  );
}
