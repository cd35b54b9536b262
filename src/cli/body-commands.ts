import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { readByteLines } from '../client/byte-lines.ts';
import { UsageError } from './arguments.ts';
import { getText, printRows, type Command } from './context.ts';
import { resolveId } from './resolve-id.ts';

/** Where a command writes: a file, or the terminal. */
export const openOutput = (to: string | undefined) => {
  const out = to === undefined ? process.stdout : createWriteStream(to);
  return {
    async write(part: Uint8Array | string): Promise<void> {
      if (!out.write(part)) await once(out, 'drain');
    },
    async end(): Promise<void> {
      if (out !== process.stdout) await new Promise<void>((resolve) => void out.end(resolve));
    },
  };
};

const TO = { to: { type: 'string' } } as const;

export const readResult: Command = {
  usage: 'result <id>',
  summary: 'Write the result of a task, however large',
  help: `  --params          its parameters instead\n  --to <file>`,
  options: { ...TO, params: { type: 'boolean' } },
  async run(context) {
    const what = context.options['params'] === true ? 'params' : 'result';
    const id = await resolveId(context);
    const body = await context.tasker.openBody(id, what);
    const out = openOutput(getText(context, 'to'));
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) await out.write(chunk);
    if (getText(context, 'to') === undefined) await out.write('\n');
    await out.end();
  },
};

export const restore: Command = {
  usage: 'restore <file>',
  summary: 'Put tasks back from an export or from the archive; for operators',
  help: `  Tasks that have ended, of any owner. What is there stays as it is, and nobody is notified.
  A task that is older than its retention is pruned again: raise RETENTION_DAYS first.`,
  async run({ tasker, args: [file], isJson, print, printOver }) {
    if (file === undefined) throw new UsageError('Name a file: tasker restore tasks.ndjson');
    const lines = readByteLines(createReadStream(file), { isWhole: true });
    const total = await tasker.restoreTasks(lines, ({ restored, skipped }) => {
      if (!isJson) printOver(`${restored + skipped} tasks`);
    });
    const { restored, skipped } = total;
    print(isJson ? JSON.stringify(total) : `Restored ${restored}; ${skipped} were there already`);
  },
};

interface ArchivePage {
  pagination: { next_cursor: string | null };
  files: { path: string; bytes: number; archived_at: string }[];
}

export const archive: Command = {
  usage: 'archive [path]',
  summary: 'List what was pruned, by day, or write a file of it',
  help: `  --day <2026-11-26>   tasks that ended then\n  --to <file>`,
  options: { ...TO, day: { type: 'string' } },
  async run(context) {
    const { tasker, args } = context;
    const [path] = args;
    if (path !== undefined) {
      const out = openOutput(getText(context, 'to'));
      const body = await tasker.openArchive(path);
      for await (const chunk of body as unknown as AsyncIterable<Uint8Array>)
        await out.write(chunk);
      return out.end();
    }
    const files: ArchivePage['files'] = [];
    const day = getText(context, 'day');
    for (let cursor: string | null = ''; cursor !== null;) {
      const query = new URLSearchParams({
        page_size: '1000',
        ...(day !== undefined && { day }),
        ...(cursor !== '' && { cursor }),
      });
      const page: ArchivePage = await tasker.request(`/archive?${query.toString()}`);
      files.push(...page.files);
      cursor = page.pagination.next_cursor;
    }
    const rows = files.map((file) => ({
      path: file.path,
      bytes: String(file.bytes),
      archived: file.archived_at,
    }));
    printRows(context, files, rows, 'The archive is empty. ARCHIVE=true keeps what is pruned');
  },
};
