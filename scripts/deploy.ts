import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildAssets } from './assets.ts';
import { runWrangler } from './wrangler.ts';

const HELP = `npm run deploy: creates what wrangler.toml names and your account lacks, migrates, and deploys

Safe to repeat. Needs "npx wrangler login" once, or CLOUDFLARE_API_TOKEN in the environment.

  --dry-run   only build, and say what would be deployed
  --help      this text`;

const DATABASE = 'tasker';

const fail = (message: string): never => {
  console.error(message);
  process.exit(1);
};

// Minified, for that is what drops branches that are false in this build.
const DEPLOY = ['deploy', '--minify'];

const ROOT_SECRET = 'ROOT_SECRET';

/** Whether the deployed Worker has this secret; a Worker that is not there has none. */
const hasSecret = async (name: string): Promise<boolean> => {
  const { code, output } = await runWrangler(['secret', 'list', '--format', 'json']);
  if (code === 0) return output.includes(`"${name}"`);
  if (/\[code: 10007\]|does not exist|not found/i.test(output)) return false;
  return fail(`"wrangler secret list" failed:\n${output}`);
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
  const left = ['MF-Original-URL', 'Sec-Fetch-Site'].filter((word) => bundle.includes(word));
  if (left.length > 0)
    fail(`The deploy bundle still has the development branch: ${left.join(', ')}`);
  if (!bundle.includes('key_missing')) fail('The deploy bundle never asks for a key');
  console.log('The bundle has no development branch');
};

const step = async (what: string, args: readonly string[]): Promise<void> => {
  console.log(`${what} …`);
  const { code, output } = await runWrangler(args);
  if (code !== 0) fail(`"wrangler ${args.join(' ')}" failed:\n${output}`);
};

/** Creates what is missing and leaves alone what is there. */
const ensure = async (what: string, create: readonly string[]): Promise<void> => {
  const { code, output } = await runWrangler(create);
  const isThere =
    code !== 0 && /already (exists|taken|in use|own)|\[code: (11009|10004)\]/i.test(output);
  if (code !== 0 && !isThere) fail(`"wrangler ${create.join(' ')}" failed:\n${output}`);
  console.log(`${what}: ${isThere ? 'there' : 'created'}`);
};

const flags = process.argv.slice(2);
if (flags.includes('--help')) {
  console.log(HELP);
  process.exit(0);
}
await buildAssets();
if (flags.includes('--dry-run')) {
  const { code, output } = await runWrangler([...DEPLOY, '--dry-run', '--outdir', 'dist/worker']);
  console.log(output);
  if (code === 0) assertClosed();
  process.exit(code);
}

const account = await runWrangler(['whoami']);
if (account.code !== 0 || /not (authenticated|logged in)/i.test(account.output)) {
  fail(
    'Cloudflare does not know you yet. Run "npx wrangler login", or set CLOUDFLARE_API_TOKEN, and try again',
  );
}
const toml = readFileSync(new URL('../wrangler.toml', import.meta.url), 'utf8');
const queues = new Set(
  [...toml.matchAll(/^(?:queue|dead_letter_queue) = "([\w-]+)"/gm)].map(([, name]) => String(name)),
);
for (const queue of queues) await ensure(`Queue ${queue}`, ['queues', 'create', queue]);
await ensure(`Database ${DATABASE}`, ['d1', 'create', DATABASE]);
for (const [, bucket = ''] of toml.matchAll(/^bucket_name = "([\w-]+)"/gm))
  await ensure(`Bucket ${bucket}`, ['r2', 'bucket', 'create', bucket]);
// Before the code that needs it; the code before it does not mind.
await step('Migrating the database', ['d1', 'migrations', 'apply', 'DB', '--remote']);
console.log('Deploying …');
const secrets = await writeMissingSecrets();
const withSecrets = secrets === null ? [] : ['--secrets-file', secrets];
const { code, output } = await runWrangler([...DEPLOY, ...withSecrets]);
console.log(output);
process.exit(code);
