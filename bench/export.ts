import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort, readRows, startService, temporaryState, writeRows } from '../scripts/service.ts';
import { createTasker } from '../src/client/index.ts';
import { readByteLines } from '../src/client/byte-lines.ts';

const HELP = `npm run bench:export -- [options]: an export, and a restore that must be equal

  --tasks <n>   (default 100 000)
  --json        figures as JSON`;

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '100000' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const count = Number(values.tasks);
const state = await temporaryState();
const port = await freePort();
let service = await startService(port, state);
const tasker = createTasker({ baseUrl: service.url });

/** Memory of the service's workerd, MB. */
const readMemory = (): number => {
  const rows = execFileSync('ps', ['-eo', 'pgid,rss,comm']).toString().split('\n');
  const own = rows
    .map((line) => line.trim().split(/\s+/))
    .filter(([group, , name]) => Number(group) === service.pid && name?.includes('workerd'));
  return Math.round(own.reduce((sum, [, kb]) => sum + Number(kb), 0) / 1_024);
};
/** How long it took, and the memory of workerd, each fifth of the way. */
const measure = async (work: (note: () => void) => Promise<void>) => {
  const memory = [readMemory()];
  const startedAt = performance.now();
  await work(() => void memory.push(readMemory()));
  return { seconds: Number(((performance.now() - startedAt) / 1_000).toFixed(1)), memory };
};
const say = (text: string): void => {
  if (!values.json) console.log(text);
};

const SQL = 'SELECT * FROM tasks ORDER BY id';
const file = join(state, 'tasks.ndjson');
const figures: Record<string, unknown> = { tasks: count };
try {
  for (let from = 0; from < count; from += 10_000)
    await tasker.submitMany(
      Array.from({ length: Math.min(10_000, count - from) }, (_, i) => ({
        type: 'sum',
        params: { a: from + i, b: 1 },
      })),
    );
  say(`${count} tasks submitted`);
  for (;;) {
    const { counts } = await tasker.request<{ counts: Record<string, number> }>('/stats');
    if ((counts['PENDING'] ?? 0) + (counts['IN_PROGRESS'] ?? 0) === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const exported = await measure(async (note) => {
    const out = createWriteStream(file);
    let lines = 0;
    for await (const line of tasker.exportTasks()) {
      if (!out.write(line)) await once(out, 'drain');
      out.write('\n');
      lines += 1;
      if (lines % Math.ceil(count / 5) === 0) note();
    }
    await new Promise<void>((resolve) => void out.end(resolve));
    if (lines !== count) throw new Error(`${lines} lines of ${count} tasks`);
  });
  figures['export'] = exported;
  say(`exported in ${exported.seconds} s; workerd had ${exported.memory.join(', ')} MB on the way`);
  const before = readRows(state, SQL);
  await service.kill();
  writeRows(state, 'DELETE FROM tasks');
  service = await startService(port, state);
  const restored = await measure(async (note) => {
    let noted = 0;
    const total = await tasker.restoreTasks(readByteLines(createReadStream(file)), (sofar) => {
      if (sofar.restored < ((noted + 1) * count) / 5) return;
      noted += 1;
      note();
    });
    if (total.restored !== count) throw new Error(`Restored ${total.restored} of ${count}`);
  });
  figures['restore'] = restored;
  say(`restored in ${restored.seconds} s; workerd had ${restored.memory.join(', ')} MB on the way`);
  const after = readRows(state, SQL);
  figures['equal'] = JSON.stringify(after) === JSON.stringify(before);
  say(`all ${after.length} rows are ${figures['equal'] ? 'equal' : 'NOT equal'}`);
  if (values.json) console.log(JSON.stringify(figures, null, 2));
  process.exitCode = figures['equal'] ? 0 : 1;
} finally {
  await service.kill();
  await rm(state, { recursive: true, force: true });
}
