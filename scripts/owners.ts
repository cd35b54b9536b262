import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { isOwnerName, LOCAL_OWNER } from '../src/domain/api-key.ts';
import { createTasker, TaskerError, type Tasker } from '../src/client/index.ts';
import { fail } from './options.ts';

const HELP = `npm run owners -- <command> <owner> [options]: all that there is of an owner

  export <owner>    writes tasks, schedules, limits, types, files, keys and audit log to a folder
    --to <folder>     (default export-<owner>)
  erase <owner>     deletes all that, and its figures, for good
    --yes             does it; without, it says what it would do

  --url <address>   of the service (default http://localhost:8787)
  --key <key>       of an operator, or of an admin of that owner (default TASKER_API_KEY)
  --help            this text`;

const { values, positionals } = (() => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        to: { type: 'string' },
        yes: { type: 'boolean', default: false },
        url: { type: 'string', default: 'http://localhost:8787' },
        key: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${HELP}`);
  }
})();
const [command, owner = ''] = positionals;
if (values.help || command === undefined) {
  console.log(HELP);
  process.exit(values.help ? 0 : 1);
}
if (!isOwnerName(owner)) fail(`Give an owner: 1 to 100 letters, digits and . _ @ : -\n\n${HELP}`);
const apiKey = values.key ?? process.env['TASKER_API_KEY'];
const caller = createTasker({ baseUrl: values.url, apiKey });

interface Page {
  pagination: { next_cursor: string | null };
  files?: { name: string }[];
  limits?: { name: string }[];
  entries?: { name: string }[];
}

/** All pages of a list, one line of JSON an item. */
const writePages = async (
  tasker: Tasker,
  path: string,
  part: 'files' | 'limits' | 'entries',
  file: string,
  onItem: (item: { name: string }) => Promise<void> = async () => {},
): Promise<number> => {
  const out = createWriteStream(file);
  let count = 0;
  for (let cursor: string | null = ''; cursor !== null;) {
    const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: Page = await tasker.request(`${path}?page_size=100${query}`);
    for (const item of page[part] ?? []) {
      out.write(`${JSON.stringify(item)}\n`);
      await onItem(item);
      count += 1;
    }
    cursor = page.pagination.next_cursor;
  }
  await new Promise<void>((resolve) => out.end(resolve));
  return count;
};

/**
 * Reads as the owner does: with a key of the owner, for the time of the export. A machine without
 * keys is asked as it is, for its first key would close it.
 */
const readAsOwner = async <T>(read: (tasker: Tasker, keyId: string | null) => T): Promise<T> => {
  if (apiKey === undefined && owner !== LOCAL_OWNER)
    fail(
      `Without a key this machine speaks for "${LOCAL_OWNER}". Give the key of an operator: --key`,
    );
  if (apiKey === undefined) return read(caller, null);
  const { id, key } = await caller.request<{ id: string; key: string }>('/keys', {
    method: 'POST',
    json: { owner, name: 'export', scopes: ['tasks:read', 'admin'], expires_in_days: 1 },
  });
  try {
    return await read(createTasker({ baseUrl: values.url, apiKey: key }), id);
  } finally {
    await caller.request(`/keys/${id}`, { method: 'DELETE' });
  }
};

/** One line of JSON an item; returns how many. */
const writeLines = async (items: AsyncIterable<unknown>, file: string): Promise<number> => {
  const out = createWriteStream(file);
  let count = 0;
  for await (const item of items) {
    out.write(`${JSON.stringify(item)}\n`);
    count += 1;
  }
  await new Promise<void>((resolve) => out.end(resolve));
  return count;
};

/** All tasks with their attempts. */
const readTasks = async function* (tasker: Tasker) {
  for await (const { task_id } of tasker.list({ pageSize: 100 })) yield tasker.get(task_id);
};

const exportOwner = async (): Promise<void> => {
  const folder = values.to ?? `export-${owner.replaceAll(/[^\w.-]/g, '_')}`;
  await mkdir(join(folder, 'files'), { recursive: true });
  await readAsOwner(async (tasker, borrowedId) => {
    const saveFile = async ({ name }: { name: string }): Promise<void> => {
      const { body } = await tasker.getFile(name);
      if (body) await pipeline(body, createWriteStream(join(folder, 'files', name)));
    };
    const to = (name: string): string => join(folder, name);
    const tasks = await writeLines(readTasks(tasker), to('tasks.ndjson'));
    const all = tasker.schedules.list({ recent: 0 });
    const schedules = await writeLines(all, to('schedules.ndjson'));
    const limits = await writePages(tasker, '/limits', 'limits', to('limits.ndjson'));
    const flows = await writeLines(tasker.flows.list(), to('flows.ndjson'));
    const { task_types } = await tasker.request<{ task_types: { kind: string }[] }>('/task-types');
    const types = task_types.filter(({ kind }) => kind !== 'built_in');
    await writeFile(to('types.json'), `${JSON.stringify(types, null, 2)}\n`);
    const files = await writePages(tasker, '/files', 'files', to('files.ndjson'), saveFile);
    const entries = await writePages(tasker, '/audit', 'entries', to('audit.ndjson'));
    const { keys } = await tasker.request<{ keys: { id: string; owner: string }[] }>('/keys');
    const own = keys.filter((key) => key.owner === owner && key.id !== borrowedId);
    await writeFile(to('keys.json'), `${JSON.stringify(own, null, 2)}\n`);
    console.log(
      `${folder}: ${tasks} tasks, ${schedules} schedules, ${limits} limits, ${flows} flows, ${types.length} types, ${files} files, ` +
        `${own.length} keys, ${entries} lines of the audit log`,
    );
  });
};

const eraseOwner = async (): Promise<void> => {
  if (!values.yes)
    return fail(
      `This would delete all tasks, schedules, limits, types, files, figures, keys and the audit log of "${owner}", for good.\n` +
        `Keep a copy by: npm run owners -- export ${owner}\nThen add --yes`,
    );
  const erased = await caller.request<{ tasks: number; files: number }>(
    `/owners/${encodeURIComponent(owner)}`,
    { method: 'DELETE' },
  );
  console.log(`Erased "${owner}": ${erased.tasks} tasks, ${erased.files} files`);
};

const run = { export: exportOwner, erase: eraseOwner }[command];
try {
  await (run ?? (() => fail(`There is no command "${command}"\n\n${HELP}`)))();
} catch (error) {
  fail(
    error instanceof TaskerError
      ? error.message
      : `The service at ${values.url} does not answer: ${(error as Error).message}`,
  );
}
