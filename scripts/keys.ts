import { parseArgs } from 'node:util';
import {
  isOwnerName,
  LOCAL_OWNER,
  parseScopes,
  parseTaskTypes,
  SCOPES,
  type ApiKey,
  type Scope,
} from '../src/domain/api-key.ts';
import type { AuditAction, AuditEntry } from '../src/domain/audit.ts';
import { makeKey } from '../src/domain/make-key.ts';
import { v7 as uuidv7 } from 'uuid';
import { catalog } from '../src/handlers/catalog.ts';
import { isBlank } from '../src/domain/text.ts';
import { suggest } from '../src/domain/suggest.ts';
import { fail, wholeNumber } from './options.ts';
import { findDatabaseBindings } from './deploy/environment.ts';
import {
  readConfig,
  runOnLocalDatabase,
  runWrangler,
  useEnvironment,
  useShards,
} from './wrangler.ts';

const HELP = `npm run keys -- <command> [options]: API keys, made and revoked on this machine

  create            makes a key and prints it, this once
    --owner <name>    the tenant that it speaks for (default "${LOCAL_OWNER}", whose tasks this machine has)
    --name <text>     to tell it by (default "operator")
    --scopes <list>   of ${SCOPES.join(', ')}, separated by commas (default admin,operator)
    --days <n>        until it expires (default: never)
    --types <list>    the task types that it may run, separated by commas (default: any)
    --writes <n>      how many writes it may make a minute (default: as many as everybody)
  list              all keys, without the keys themselves
  revoke <id>       ends a key within 10 s. DELETE /keys/<id> also closes its streams at once
  rotate <id>       makes a key like this one, which goes on for a day

  --remote          the deployed database instead of the local one
  --env <name>      that of another environment (npm run deploy -- --env <name>)
  --state <folder>  where the local data is kept (default .wrangler/state)
  --shards <n>      as many databases as the local service was started with
  --json            for programs
  --help            this text`;

const DAY_MS = 24 * 3_600_000;

const { values, positionals } = (() => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        owner: { type: 'string', default: LOCAL_OWNER },
        name: { type: 'string', default: 'operator' },
        scopes: { type: 'string', default: 'admin,operator' },
        types: { type: 'string' },
        shards: { type: 'string' },
        writes: { type: 'string' },
        days: { type: 'string' },
        remote: { type: 'boolean', default: false },
        env: { type: 'string' },
        state: { type: 'string', default: '.wrangler/state' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${HELP}`);
  }
})();
const [command, id] = positionals;
if (values.help || command === undefined) {
  console.log(HELP);
  process.exit(values.help ? 0 : 1);
}

if (values.env !== undefined) useEnvironment(values.env);
if (values.shards !== undefined) useShards(wholeNumber('shards', values.shards, 1, 64));

const quote = (value: string | number | null): string =>
  value === null
    ? 'NULL'
    : typeof value === 'number'
      ? String(value)
      : `'${value.replaceAll("'", "''")}'`;

const assertLoggedIn = async (): Promise<void> => {
  const { code, output } = await runWrangler(['whoami']);
  if (code !== 0 || /not (authenticated|logged in)/i.test(output))
    fail(
      'For --remote Cloudflare has to know you. Run "npx wrangler login", or set ' +
        'CLOUDFLARE_API_TOKEN, and try again',
    );
};

let isPrepared = false;
/** Asks the first database, or another one; returns the rows of the last statement. */
const ask = async <Row = ApiKey>(sql: string, database = 'DB'): Promise<Row[]> => {
  const place = values.remote ? ['--remote'] : ['--local', '--persist-to', values.state];
  if (!isPrepared && values.remote) await assertLoggedIn();
  const run = values.remote ? runWrangler : runOnLocalDatabase;
  if (!isPrepared && !values.remote) {
    for (const name of findDatabaseBindings(readConfig())) {
      const migrated = await run(['d1', 'migrations', 'apply', name, ...place]);
      if (migrated.code !== 0) fail(`The migration failed:\n${migrated.output}`);
    }
  }
  isPrepared = true;
  const { code, output } = await run([
    'd1',
    'execute',
    database,
    ...place,
    '--json',
    '--command',
    sql,
  ]);
  const start = output.indexOf('[');
  if (code !== 0 || start < 0) fail(`The database did not answer:\n${output}`);
  const answers = JSON.parse(output.slice(start, output.lastIndexOf(']') + 1)) as {
    results: Row[];
  }[];
  return answers.at(-1)?.results ?? [];
};

/** Does the same in the other databases: they have copies of keys, for schedules look at them. */
const askOthers = async (sql: string): Promise<void> => {
  for (const database of findDatabaseBindings(readConfig()).slice(1)) await ask(sql, database);
};

/** An insert that changes nothing when it is repeated. */
const toInsert = (table: string, row: object): string => {
  const columns = Object.entries(row) as [string, string | number | null][];
  return `INSERT INTO ${table} (${columns.map(([name]) => name).join(', ')}) VALUES (${columns
    .map(([, value]) => quote(value))
    .join(', ')}) ON CONFLICT (id) DO NOTHING`;
};

/** The statement that notes in the audit log what was done here. */
const toAudit = (action: AuditAction, owner: string, subject: string): string => {
  const entry: AuditEntry = {
    id: uuidv7(),
    at: Date.now(),
    owner,
    key_id: null,
    action,
    subject,
    ip: 'command line',
    request_id: null,
  };
  return toInsert('audit', entry);
};

const readScopes = (list: string): Scope[] => {
  const scopes = [...new Set(list.split(',').map((scope) => scope.trim()))];
  const wrong = scopes.find((scope) => !(SCOPES as readonly string[]).includes(scope));
  return wrong === undefined
    ? (scopes as Scope[])
    : fail(`There is no scope "${wrong}". The scopes: ${SCOPES.join(', ')}`);
};

/** The types as the catalog names them; null for any. */
const readTypes = (): string[] | null => {
  if (values.types === undefined) return null;
  const types = values.types.split(',').map((text) => {
    const known = catalog.list('').map(({ type }) => type);
    const name = text.trim();
    const handler = catalog.find('', name);
    return handler?.type ?? fail(`There is no type \`${name}\`${suggest(name, known)}`);
  });
  return [...new Set(types)];
};

/** What the first key means for those who call without one. */
const describeFirst = (owner: string): string =>
  [
    'This is the first key: from now on (within 10 s) every caller needs one, this page and curl too.',
    owner === LOCAL_OWNER
      ? `It speaks for "${LOCAL_OWNER}", whose tasks were submitted without a key until now.`
      : `It speaks for "${owner}". The tasks that were submitted without a key belong to ` +
        `"${LOCAL_OWNER}": npm run keys -- create makes a key that sees them.`,
  ].join('\n');

const create = async (
  like: Pick<ApiKey, 'owner' | 'name' | 'scopes' | 'task_types' | 'writes_per_minute'>,
  expiresAt: number | null = null,
  rotated: string | null = null,
): Promise<void> => {
  const days = values.days === undefined ? null : Number(values.days);
  if (days !== null && !(days > 0 && days <= 3_650))
    fail('--days takes a number greater than 0, and 3650 at most');
  if (isBlank(like.name)) fail('--name takes a text to tell the key by');
  if (!isOwnerName(like.owner)) fail('An owner has 1 to 100 letters, digits and . _ @ : -');
  const now = Date.now();
  const { key, row } = await makeKey(
    {
      owner: like.owner,
      name: like.name,
      scopes: parseScopes(like),
      expiresAt: days === null ? expiresAt : now + Math.round(days * DAY_MS),
      taskTypes: parseTaskTypes(like),
      writesPerMinute: like.writes_per_minute,
    },
    now,
  );
  const action = rotated === null ? 'key.created' : 'key.rotated';
  const [count] = await ask<{ n: number }>(
    [
      toInsert('keys', row),
      toAudit(action, row.owner, rotated ?? row.id),
      'SELECT count(*) AS n FROM keys',
    ].join('; '),
  );
  await askOthers(toInsert('keys', row));
  if (values.json)
    console.log(
      JSON.stringify({
        key,
        ...row,
        hash: undefined,
        scopes: parseScopes(row),
        task_types: parseTaskTypes(row),
      }),
    );
  else
    console.log(
      [
        key,
        '',
        `Shown this once. Owner ${row.owner}, scopes ${parseScopes(row).join(', ')}, id ${row.id}.`,
        ...(count?.n === 1 ? [describeFirst(row.owner)] : []),
        '',
        `  curl -H 'Authorization: Bearer ${key}' …`,
      ].join('\n'),
    );
};

const one = async (sql: string): Promise<ApiKey> => {
  if (!id || !/^[0-9a-f-]{36}$/i.test(id))
    return fail(`Give the id of a key: npm run keys -- ${command} <id>`);
  const full = `${sql} WHERE id = ${quote(id.toLowerCase())} RETURNING *`;
  const [row] = await ask(full);
  if (row) await askOthers(full);
  return row ?? fail(`There is no key ${id}. npm run keys -- list shows them`);
};

const time = (ms: number | null): string | null =>
  ms === null ? null : new Date(ms).toISOString();

interface ShownKey {
  id: string;
  owner: string;
  name: string;
  prefix: string;
  scopes: string[];
  task_types: string[] | null;
  created_at: string | null;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
}

const toDay = (at: string | null): string => at?.slice(0, 16).replace('T', ' ') ?? '–';

/** One key as a person reads it. */
const toCells = (key: ShownKey): Record<string, string> => ({
  OWNER: key.owner,
  NAME: key.name,
  KEY: `${key.prefix}…`,
  SCOPES: key.scopes.join(','),
  TYPES: key.task_types?.join(',') ?? 'any',
  CREATED: toDay(key.created_at),
  'LAST USED': toDay(key.last_used_at),
  STATE:
    key.revoked_at === null
      ? key.expires_at === null
        ? 'good'
        : `until ${toDay(key.expires_at)}`
      : 'revoked',
  ID: key.id,
});

/** Rows as columns of equal width, under their names. */
const formatTable = (rows: readonly Record<string, string>[]): string => {
  const names = Object.keys(rows[0] ?? {});
  const widths = names.map((name) =>
    Math.max(name.length, ...rows.map((row) => row[name]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(names), ...rows.map((row) => line(names.map((name) => row[name] ?? '')))].join('\n');
};

const COMMANDS: Record<string, () => Promise<void>> = {
  create: () =>
    create({
      owner: values.owner,
      name: values.name,
      scopes: JSON.stringify(readScopes(values.scopes)),
      task_types: readTypes() === null ? null : JSON.stringify(readTypes()),
      writes_per_minute:
        values.writes === undefined ? null : wholeNumber('writes', values.writes, 1, 6_000),
    }),

  async list() {
    const rows = await ask('SELECT * FROM keys ORDER BY id DESC');
    const shown = rows.map(({ scopes, created_at, ...row }) => ({
      ...row,
      hash: undefined,
      scopes: JSON.parse(scopes) as Scope[],
      task_types: parseTaskTypes(row),
      created_at: time(created_at),
      expires_at: time(row.expires_at),
      revoked_at: time(row.revoked_at),
      last_used_at: time(row.last_used_at),
    }));
    if (values.json) console.log(JSON.stringify(shown));
    else if (shown.length === 0) console.log('There are no keys. npm run keys -- create makes one');
    else console.log(formatTable(shown.map(toCells)));
  },

  async revoke() {
    const row = await one(`UPDATE keys SET revoked_at = coalesce(revoked_at, ${Date.now()})`);
    await ask(toAudit('key.revoked', row.owner, row.id));
    console.log(`Revoked ${row.prefix}… of ${row.owner}: refused within 10 s`);
  },

  async rotate() {
    const [before] = await ask(`SELECT * FROM keys WHERE id = ${quote(id?.toLowerCase() ?? '')}`);
    const now = Date.now();
    if (before && (before.revoked_at !== null || (before.expires_at ?? Infinity) <= now))
      fail('This key was revoked or has expired: make a new one with "create"');
    const row = await one(
      `UPDATE keys SET expires_at = min(coalesce(expires_at, ${now + DAY_MS}), ${now + DAY_MS})`,
    );
    await create(row, before?.expires_at ?? null, row.id);
  },
};

const run = COMMANDS[command] ?? (() => fail(`There is no command "${command}"\n\n${HELP}`));
await run();
