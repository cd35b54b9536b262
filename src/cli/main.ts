#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { createTasker, TaskerError } from '../client/index.ts';
import { findSimilar } from '../domain/suggest.ts';
import { UsageError } from './arguments.ts';
import { clean } from './format.ts';
import type { Command } from './context.ts';
import { serviceCommands } from './service-commands.ts';
import { taskCommands } from './task-commands.ts';

// tasker: the service, from a terminal.

/** Exit codes: what scripts can tell apart. */
const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3, timeout: 4, interrupted: 130 } as const;

const COMMANDS: Record<string, Command> = { ...taskCommands, ...serviceCommands };

const GLOBAL = `  --url <address>   of the service (default TASKER_URL, or http://localhost:8787)
  --key <key>       an API key (default TASKER_API_KEY)
  --json            JSON, one object a line, for scripts
  --help            this text`;

const HELP = `tasker: submit tasks, watch them, and look after them

${Object.values(COMMANDS)
  .map(({ usage, summary }) => `  ${usage.padEnd(30)} ${summary}`)
  .join('\n')}

${GLOBAL}

Exit codes: 0 done, 1 the task failed or the service refused, 2 wrong usage, 3 no service, 4 timed out
Example: tasker submit sum a=5 b=3 --wait`;

const OPTIONS = {
  url: { type: 'string' },
  key: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const complain = (text: string): void => void process.stderr.write(`${text}\n`);

const parse = (name: string, command: Command, argv: readonly string[]) => {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { ...OPTIONS, ...command.options },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('. ')[0]}. Try: tasker ${name} --help`);
  }
};

const run = async (argv: readonly string[], stop: AbortController): Promise<number> => {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    print(HELP);
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  const similar = findSimilar(name, Object.keys(COMMANDS));
  if (!command)
    throw new UsageError(
      `There is no command "${name}"${similar === null ? '' : `; did you mean "${similar}"?`} Try: tasker --help`,
    );
  const { values, positionals } = parse(name, command, rest);
  if (values['help'] === true) {
    print(
      `tasker ${command.usage}: ${command.summary}\n${command.help === undefined ? '' : `\n${command.help}\n`}\n${GLOBAL}`,
    );
    return EXIT.ok;
  }
  const text = (key: string): string | undefined => {
    const value = (values as Record<string, unknown>)[key];
    return typeof value === 'string' ? value : undefined;
  };
  const url = text('url') ?? process.env['TASKER_URL'] ?? 'http://localhost:8787';
  const apiKey = text('key') ?? process.env['TASKER_API_KEY'];
  let isOver = false;
  const code = await command.run({
    tasker: createTasker({ baseUrl: url, apiKey }),
    url,
    args: positionals,
    options: values,
    isJson: values['json'] === true,
    print: (line) => {
      print(isOver ? `\n${line}` : line);
      isOver = false;
    },
    printOver: (line) => {
      if (!process.stdout.isTTY) return print(line);
      process.stdout.write(`\r\u001b[2K${line}`);
      isOver = true;
    },
    write: (part) => {
      // Texts of tasks come from anybody: nothing in them moves the cursor.
      process.stdout.write(part.split('\n').map(clean).join('\n'));
      isOver = true;
    },
    complain,
    signal: stop.signal,
  });
  return code ?? EXIT.ok;
};

/** What went wrong, for people and for scripts. */
const explain = (error: unknown, url: string): number => {
  if (error instanceof UsageError) {
    complain(error.message);
    return EXIT.usage;
  }
  if (error instanceof TaskerError) {
    complain(error.message);
    for (const { path, message } of error.problem.errors ?? []) complain(`  ${path}: ${message}`);
    if (error.status === 401) complain('Give a key: --key, or TASKER_API_KEY');
    return EXIT.failed;
  }
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    complain(error.message);
    return EXIT.timeout;
  }
  // A file that is not there, or may not be read.
  const isFile = error instanceof Error && 'path' in error && 'syscall' in error;
  // What a file has; one of `fetch` names its cause.
  const isContent = error instanceof TypeError && error.cause === undefined;
  if (isFile || isContent) {
    complain(error.message);
    return EXIT.usage;
  }
  complain(`The service at ${url} does not answer: ${(error as Error).message}`);
  return EXIT.unreachable;
};

const stop = new AbortController();
process.once('SIGINT', () => {
  stop.abort();
  process.exit(EXIT.interrupted);
});
// `tasker list | head` closes the pipe.
process.stdout.on('error', () => process.exit(EXIT.ok));
const argv = process.argv.slice(2);
try {
  process.exitCode = await run(argv, stop);
} catch (error) {
  const at = argv.indexOf('--url');
  process.exitCode = explain(
    error,
    (at >= 0 ? argv[at + 1] : undefined) ?? process.env['TASKER_URL'] ?? 'http://localhost:8787',
  );
}
