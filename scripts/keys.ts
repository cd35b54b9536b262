import { parseArgs } from 'node:util';
import { parseScopes, SCOPES, type ApiKey, type Scope } from '../src/domain/api-key.ts';
import { makeKey } from '../src/domain/make-key.ts';
import { fail } from './options.ts';
import { runWrangler } from './wrangler.ts';

const HELP = `npm run keys -- <command> [options]: API keys, made and revoked on this machine

  create            makes a key and prints it, this once
    --owner <name>    the tenant that it speaks for (default "default")
    --name <text>     to tell it by (default "operator")
    --scopes <list>   of ${SCOPES.join(', ')}, separated by commas (default admin)
    --days <n>        until it expires (default: never)
  list              all keys, without the keys themselves
  revoke <id>       ends a key within 10 s. DELETE /keys/<id> also closes its streams at once
  rotate <id>       makes a key like this one, which goes on for a day

  --remote          the deployed database instead of the local one
  --state <folder>  where the local data is kept (default .wrangler/state)
  --json            for programs
  --help            this text`;

const DAY_MS = 24 * 3_600_000;

const { values, positionals } = (() => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        owner: { type: 'string', default: 'default' },
        name: { type: 'string', default: 'operator' },
        scopes: { type: 'string', default: 'admin' },
        days: { type: 'string' },
        remote: { type: 'boolean', default: false },
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

const quote = (value: string | number | null): string =>
  value === null
    ? 'NULL'
    : typeof value === 'number'
      ? String(value)
      : `'${value.replaceAll("'", "''")}'`;

/** Asks the database; returns the rows of the statement. */
const ask = async (sql: string): Promise<ApiKey[]> => {
  const place = values.remote ? ['--remote'] : ['--local', '--persist-to', values.state];
  if (!values.remote) {
    const migrated = await runWrangler(['d1', 'migrations', 'apply', 'DB', ...place]);
    if (migrated.code !== 0) fail(`The migration failed:\n${migrated.output}`);
  }
  const { code, output } = await runWrangler([
    'd1',
    'execute',
    'DB',
    ...place,
    '--json',
    '--command',
    sql,
  ]);
  const start = output.indexOf('[');
  if (code !== 0 || start < 0) fail(`The database did not answer:\n${output}`);
  const [answer] = JSON.parse(output.slice(start, output.lastIndexOf(']') + 1)) as {
    results: ApiKey[];
  }[];
  return answer?.results ?? [];
};

const readScopes = (list: string): Scope[] => {
  const scopes = list.split(',').map((scope) => scope.trim());
  const wrong = scopes.find((scope) => !(SCOPES as readonly string[]).includes(scope));
  return wrong === undefined
    ? (scopes as Scope[])
    : fail(`There is no scope "${wrong}". The scopes: ${SCOPES.join(', ')}`);
};

const create = async (
  like: Pick<ApiKey, 'owner' | 'name' | 'scopes'>,
  expiresAt: number | null = null,
): Promise<void> => {
  const days = values.days === undefined ? null : Number(values.days);
  if (days !== null && !(days > 0 && days <= 3_650))
    fail('--days takes a number greater than 0, and 3650 at most');
  if (!/^[\w.@:-]{1,100}$/.test(like.owner))
    fail('An owner has 1 to 100 letters, digits and . _ @ : -');
  const now = Date.now();
  const { key, row } = await makeKey(
    {
      owner: like.owner,
      name: like.name,
      scopes: parseScopes(like),
      expiresAt: days === null ? expiresAt : now + Math.round(days * DAY_MS),
    },
    now,
  );
  await ask(
    `INSERT INTO keys (${Object.keys(row).join(', ')}) VALUES (${Object.values(row).map(quote).join(', ')})`,
  );
  if (values.json)
    console.log(
      JSON.stringify({ key, ...row, hash: undefined, scopes: JSON.parse(row.scopes) as Scope[] }),
    );
  else
    console.log(
      `${key}\n\nShown this once. Owner ${row.owner}, scopes ${row.scopes}, id ${row.id}.\nFrom now on the service asks for a key (within 10 s):\n\n  curl -H 'Authorization: Bearer ${key}' …`,
    );
};

const one = async (sql: string): Promise<ApiKey> => {
  if (!id || !/^[0-9a-f-]{36}$/i.test(id))
    return fail(`Give the id of a key: npm run keys -- ${command} <id>`);
  const [row] = await ask(`${sql} WHERE id = ${quote(id.toLowerCase())} RETURNING *`);
  return row ?? fail(`There is no key ${id}. npm run keys -- list shows them`);
};

const time = (ms: number | null): string => (ms === null ? '–' : new Date(ms).toISOString());

const COMMANDS: Record<string, () => Promise<void>> = {
  create: () =>
    create({
      owner: values.owner,
      name: values.name,
      scopes: JSON.stringify(readScopes(values.scopes)),
    }),

  async list() {
    const rows = await ask('SELECT * FROM keys ORDER BY id DESC');
    const shown = rows.map(({ id: keyId, owner, name, prefix, scopes, ...row }) => ({
      id: keyId,
      owner,
      name,
      prefix,
      scopes,
      created_at: time(row.created_at),
      expires_at: time(row.expires_at),
      revoked_at: time(row.revoked_at),
    }));
    if (values.json) console.log(JSON.stringify(shown));
    else if (shown.length === 0) console.log('There are no keys. npm run keys -- create makes one');
    else console.table(shown);
  },

  async revoke() {
    const row = await one(`UPDATE keys SET revoked_at = coalesce(revoked_at, ${Date.now()})`);
    console.log(`Revoked ${row.prefix}… of ${row.owner}: refused within 10 s`);
  },

  async rotate() {
    const [before] = await ask(`SELECT * FROM keys WHERE id = ${quote(id?.toLowerCase() ?? '')}`);
    const now = Date.now();
    if (before && (before.revoked_at !== null || (before.expires_at ?? Infinity) <= now))
      fail('This key was revoked or has expired: make a new one with "create"');
    const { owner, name, scopes } = await one(
      `UPDATE keys SET expires_at = min(coalesce(expires_at, ${now + DAY_MS}), ${now + DAY_MS})`,
    );
    await create({ owner, name, scopes }, before?.expires_at ?? null);
  },
};

const run = COMMANDS[command] ?? (() => fail(`There is no command "${command}"\n\n${HELP}`));
await run();
