import { readFile } from 'node:fs/promises';
import { text as readStream } from 'node:stream/consumers';
import type { RegisteredType, TypeDefinition } from '../client/index.ts';
import { UsageError } from './arguments.ts';
import { getText, printRows, type Command, type CommandContext } from './context.ts';
import { declareTypes, type DeclaredType } from './declare-types.ts';
import { clean } from './format.ts';

const HELP = `  register <name> --endpoint <https://…> | --worker | --manual   [--description <text>]
  register <name> --file type.json     all of it, as PUT /task-types takes it; - for standard input
  test <name>                          send its example to its endpoint once
  pause <name>, resume <name>          whether its runs begin
  rotate-secret <name>                 a new signing secret; the one before signs for a day, too
  delete <name>
  --declare                            as TypeScript: tasker types --declare > tasker.d.ts`;

const listTypes = async (context: CommandContext): Promise<void> => {
  const { tasker, isJson, options, print, url } = context;
  const { task_types } = await tasker.request<{
    task_types: (DeclaredType & RegisteredType)[];
  }>('/task-types');
  if (options['declare'] === true || (!isJson && !process.stdout.isTTY))
    return print(declareTypes(task_types, url).trimEnd());
  const rows = task_types.map(({ type, kind, paused_until, description }) => ({
    type,
    runs: kind.replace('_', '-'),
    state: paused_until === null ? '' : 'paused',
    description: clean(description),
  }));
  return printRows(context, task_types, rows, 'There are no types');
};

/** A definition from a file, or of the one way to run that was named. */
const readDefinition = async (context: CommandContext, name: string): Promise<TypeDefinition> => {
  const [file, endpoint] = ['file', 'endpoint'].map((each) => getText(context, each));
  const { worker, manual } = context.options;
  const ways = [
    ...(endpoint === undefined ? [] : [{ endpoint: { url: endpoint } }]),
    ...(worker === true ? [{ worker: {} }] : []),
    ...(manual === true ? [{ manual: {} }] : []),
  ];
  const [run] = ways;
  if (file !== undefined && !run) {
    const body = file === '-' ? await readStream(process.stdin) : await readFile(file, 'utf8');
    try {
      return JSON.parse(body) as TypeDefinition;
    } catch (error) {
      throw new UsageError(`${file} is no JSON: ${(error as Error).message}`);
    }
  }
  if (!run || ways.length > 1 || file !== undefined)
    throw new UsageError(
      'Give one of --endpoint <https://…>, --worker, --manual, --file <type.json>',
    );
  return { description: getText(context, 'description') ?? name, run };
};

const VERBS: Record<string, (context: CommandContext, name: string) => Promise<void>> = {
  async register(context, name) {
    const { tasker, isJson, print } = context;
    const made = await tasker.registerType(name, await readDefinition(context, name));
    if (isJson) return print(JSON.stringify(made));
    print(`${made.type} is registered: ${made.kind}`);
    if (made.secret !== undefined)
      print(`Its requests are signed with this secret, shown this once:\n${made.secret}`);
  },
  async test({ tasker, isJson, print }, name) {
    const got = await tasker.testType(name);
    if (isJson) return print(JSON.stringify(got));
    print(`${got.status ?? 'no answer'} in ${got.duration_ms} ms\n${clean(got.answer)}`.trimEnd());
  },
  async 'rotate-secret'({ tasker, isJson, print }, name) {
    const got = await tasker.rotateTypeSecret(name);
    print(isJson ? JSON.stringify(got) : `${got.secret}\n\nShown this once.`);
  },
  async pause({ tasker, isJson, print }, name) {
    const type = await tasker.pauseType(name);
    print(isJson ? JSON.stringify(type) : `${type.type} is paused: no run of it begins`);
  },
  async resume({ tasker, isJson, print }, name) {
    const type = await tasker.resumeType(name);
    print(isJson ? JSON.stringify(type) : `${type.type} goes on`);
  },
  async delete({ tasker, isJson, print }, name) {
    await tasker.deleteType(name);
    print(isJson ? JSON.stringify({ deleted: name }) : `Deleted ${name}`);
  },
};

export const types: Command = {
  usage: 'types [register|test|pause|… <name>]',
  summary: 'List task types, as TypeScript where piped; register, test and pause your own',
  help: HELP,
  options: {
    declare: { type: 'boolean' },
    endpoint: { type: 'string' },
    worker: { type: 'boolean' },
    manual: { type: 'boolean' },
    description: { type: 'string' },
    file: { type: 'string' },
  },
  async run(context) {
    const [verb, name] = context.args;
    if (verb === undefined) return listTypes(context);
    const command = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
    if (!command)
      throw new UsageError(`There is no "types ${verb}", but: ${Object.keys(VERBS).join(', ')}`);
    if (name === undefined) throw new UsageError(`Name the type: tasker types ${verb} <name>`);
    return command(context, name);
  },
};
