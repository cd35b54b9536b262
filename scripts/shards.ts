import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isOwnerName } from '../src/domain/api-key.ts';
import { formatTable } from '../src/cli/format.ts';
import { createTasker, TaskerError } from '../src/client/index.ts';
import { addDatabases, findDatabaseBindings } from './deploy/environment.ts';
import { fail } from './options.ts';
import { runWrangler } from './wrangler.ts';

const HELP = `npm run shards -- <command> [options]: the databases of the service, and who is on which

  list                      how each database stands
  owners [--shard <n>]      which owners are pinned to which; the others are on 0
  add                       adds a database to wrangler.toml: deploy it then
  move <owner> <shard>      moves an owner; if it is interrupted, the same command goes on

  --url <address>   of the service (default http://localhost:8787)
  --key <key>       of an operator (default TASKER_API_KEY)
  --json            for scripts
  --help            this text`;

const { values, positionals } = (() => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        url: { type: 'string', default: 'http://localhost:8787' },
        key: { type: 'string' },
        shard: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${HELP}`);
  }
})();
const [command, owner = '', to = ''] = positionals;
if (values.help || command === undefined) {
  console.log(HELP);
  process.exit(values.help ? 0 : 1);
}
const tasker = createTasker({
  baseUrl: values.url,
  apiKey: values.key ?? process.env['TASKER_API_KEY'],
  // A move waits while the service is started anew.
  retries: command === 'move' ? 10 : 1,
});
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Shard {
  shard: number;
  bytes: number;
  used: number;
  owners: number;
  pinned: number;
  submitted_last_minute: number;
  waiting: number;
  oldest_waiting_seconds: number | null;
}

const list = async (): Promise<void> => {
  const { shards } = await tasker.request<{ shards: Shard[] }>('/shards');
  if (values.json) return console.log(JSON.stringify(shards, null, 2));
  const rows = shards.map((each) => ({
    shard: String(each.shard),
    size: `${(each.bytes / 1e6).toFixed(1)} MB`,
    used: `${(each.used * 100).toFixed(1)} %`,
    owners: String(each.owners),
    pinned: String(each.pinned),
    'a minute': String(each.submitted_last_minute),
    waiting: String(each.waiting),
    oldest: each.oldest_waiting_seconds === null ? '' : `${each.oldest_waiting_seconds} s`,
  }));
  console.log(formatTable(rows));
};

interface OwnerPage {
  pagination: { next_cursor: string | null };
  owners: { owner: string; shard: number; moving_to: number | null }[];
}
const listOwners = async (): Promise<void> => {
  const rows: Record<string, string>[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const query = new URLSearchParams({
      page_size: '1000',
      ...(values.shard !== undefined && { shard: values.shard }),
      ...(cursor !== '' && { cursor }),
    });
    const page: OwnerPage = await tasker.request(`/shards/owners?${query.toString()}`);
    for (const each of page.owners) {
      if (values.json) console.log(JSON.stringify(each));
      const moving = each.moving_to === null ? '' : `moving to ${each.moving_to}`;
      rows.push({ owner: each.owner, shard: String(each.shard), state: moving });
    }
    cursor = page.pagination.next_cursor;
  }
  if (!values.json)
    console.log(rows.length === 0 ? 'All owners are on shard 0' : formatTable(rows));
};

const add = async (): Promise<void> => {
  const file = fileURLToPath(new URL('../wrangler.toml', import.meta.url));
  const toml = readFileSync(file, 'utf8');
  const count = findDatabaseBindings(toml).length;
  writeFileSync(file, addDatabases(toml, count + 1));
  const types = ['types', 'src/env.d.ts', '--include-runtime=false'];
  const { code, output } = await runWrangler(types);
  if (code !== 0) fail(output);
  console.log(
    `wrangler.toml has DB_${count} now. npm run deploy creates and migrates it; from then on new owners come there.`,
  );
};

interface Progress {
  from: number;
  phase: 'announced' | 'copying' | 'waking' | 'cleaning' | 'done';
  rows: number;
  wait_ms: number;
}
const WORDS = {
  announced: 'telling everybody',
  copying: 'copying',
  waking: 'waking what was copied',
  cleaning: 'deleting what it had before',
  done: 'done',
};
const move = async (): Promise<void> => {
  const shard = Number(to);
  if (!isOwnerName(owner) || to === '' || !Number.isInteger(shard))
    fail(`Name an owner and a shard: npm run shards -- move ann 1\n\n${HELP}`);
  let rows = 0;
  for (;;) {
    const progress: Progress = await tasker.request('/shards/moves', {
      method: 'POST',
      json: { owner, to: shard },
      isRepeatable: true,
    });
    rows += progress.rows;
    if (values.json) console.log(JSON.stringify(progress));
    else console.log(`${owner}: ${WORDS[progress.phase]} (${rows} rows)`);
    if (progress.phase === 'done') return;
    await sleep(Math.min(progress.wait_ms, 2_000));
  }
};

try {
  if (command === 'list') await list();
  else if (command === 'owners') await listOwners();
  else if (command === 'add') await add();
  else if (command === 'move') await move();
  else fail(`There is no command "${command}".\n\n${HELP}`);
} catch (error) {
  if (error instanceof TaskerError) fail(error.message);
  fail(`The service at ${values.url} does not answer: ${(error as Error).message}`);
}
