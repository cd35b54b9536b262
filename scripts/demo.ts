import { createTasker, TaskerError, type TaskView } from '../src/client/index.ts';
import { isFinal } from '../src/domain/words.ts';
import { builtInHandlers } from '../src/handlers/catalog.ts';
import { fail, readOptions, wholeNumber } from './options.ts';

const HELP = `npm run demo -- [options]: sends one task of each type to a running service and watches them live

  --url <url>         the service (default http://localhost:8787)
  --key <key>         an API key (default TASKER_API_KEY)
  --timeout <seconds> how long to wait for all of them (default 60)
  --json              print the finished tasks as JSON, and nothing else
  --help              this text

Exits with 1 if any task ended otherwise than its type promises.`;

/** Every type succeeds but this one, which is there to fail. */
const EXPECTED_TO_FAIL = 'broken';
const BAR_WIDTH = 24;

interface Row {
  type: string;
  id: string;
  task: TaskView | null;
  fraction: number;
  note: string;
  startedAt: number;
  endedAt: number | null;
}

const values = readOptions(HELP, {
  url: { type: 'string', default: process.env['TASKER_URL'] ?? 'http://localhost:8787' },
  key: { type: 'string' },
  timeout: { type: 'string', default: '60' },
  json: { type: 'boolean', default: false },
});
const timeoutSeconds = wholeNumber('timeout', values.timeout, 1, 86_400);
const isLive = process.stdout.isTTY && !values.json;

const apiKey = values.key ?? process.env['TASKER_API_KEY'];
const tasker = createTasker({ baseUrl: values.url, apiKey, retries: 0 });

const submit = async (type: string, params: object): Promise<Row> => {
  const startedAt = Date.now();
  const task = await tasker
    .submit({ type, params, title: `demo: ${type}` })
    .catch((error: Error) => {
      if (error instanceof TaskerError)
        return fail(`${type} was refused with ${error.status}: ${error.message}`);
      return fail(`No service at ${values.url}. Start one in another terminal: npm start`);
    });
  return { type, id: task.task_id, task, fraction: 0, note: '', startedAt, endedAt: null };
};

const isFinished = ({ task }: Row): boolean => task !== null && isFinal(task.status);
/** Follows one task's stream to its final frame. */
const watch = async (row: Row, changed: () => void): Promise<void> => {
  for await (const frame of tasker.watch(row.id)) {
    if (frame.event === 'progress')
      Object.assign(row, { fraction: frame.fraction, note: frame.note ?? '' });
    else if ('task' in frame) row.task = frame.task;
    if (isFinished(row)) row.endedAt ??= Date.now();
    changed();
  }
};

/** Without the provider's key a type fails by saying which; that is no fault of the service. */
const isUnconfigured = ({ task }: Row): boolean => task?.error?.code === 'not_configured';

const isAsPromised = (row: Row): boolean =>
  row.task?.status === (row.type === EXPECTED_TO_FAIL ? 'FAILED' : 'COMPLETED') ||
  isUnconfigured(row);

const line = (row: Row): string => {
  const { status = '?', attempt = 0, max_attempts = 0 } = row.task ?? {};
  const filled = Math.round((isFinished(row) ? 1 : row.fraction) * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const elapsed =
    `${(((row.endedAt ?? Date.now()) - row.startedAt) / 1_000).toFixed(1)} s`.padStart(7);
  const more = isFinished(row) ? '' : row.note;
  return `${row.type.padEnd(28)} ${bar} ${status.padEnd(11)} ${elapsed}  attempt ${attempt}/${max_attempts}  ${more}`;
};

const outcome = (row: Row): string => {
  const mark = isUnconfigured(row) ? '–' : isAsPromised(row) ? '✓' : '✗';
  const text =
    row.task?.status === 'COMPLETED'
      ? JSON.stringify(row.task.result)
      : `${row.task?.status}: ${row.task?.error?.message ?? 'no error'}`;
  return `${mark} ${row.type.padEnd(28)} ${text}${row.type === EXPECTED_TO_FAIL && isAsPromised(row) ? '   (as it should)' : ''}`;
};

const rows = await Promise.all(
  builtInHandlers.map(({ type, example }) => submit(type, example as object)),
);

let drawn = 0;
const draw = (): void => {
  if (!isLive) return;
  process.stdout.write(
    `${drawn > 0 ? `\x1b[${drawn}A` : ''}${rows.map((row) => `\x1b[2K${line(row)}`).join('\n')}\n`,
  );
  drawn = rows.length;
};
if (!values.json) console.log(`One task of each type, at ${values.url}\n`);
draw();
const ticker = setInterval(draw, 100);

const late = new Promise((_, reject) =>
  setTimeout(
    () => reject(new Error(`Not all were finished within ${timeoutSeconds} s`)),
    timeoutSeconds * 1_000,
  ).unref(),
);
await Promise.race([Promise.all(rows.map((row) => watch(row, draw))), late]).catch((error: Error) =>
  console.error(error.message),
);
clearInterval(ticker);
draw();

if (values.json)
  console.log(
    JSON.stringify(
      rows.map(({ task }) => task),
      null,
      2,
    ),
  );
else {
  if (!isLive) console.log(rows.map(line).join('\n'));
  console.log(`\n${rows.map(outcome).join('\n')}\n`);
}
process.exit(rows.every(isAsPromised) ? 0 : 1);
