import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { isFinal } from '../domain/words.ts';
import type { FlowDetail, FlowNodeView, FlowStatus, FlowView, NewFlow } from '../client/index.ts';
import { parseSeconds, parseWhole, UsageError } from './arguments.ts';
import { getText, printRows, type Command, type CommandContext } from './context.ts';
import { clean, formatStatus, formatTable, toAge } from './format.ts';

const HELP = `  submit <file>                a flow as JSON; - for standard input
                               --wait  until it has ended; exit code 1 unless it completed
  show <id>                    its tasks, and how each stands
  watch <id>                   follows it to its end
  cancel <id>                  cancels all that has not ended
  retry <id>                   runs again what failed, and goes on from there
  delete <id>                  deletes it with all of its tasks, once it has ended

  --status <status>, --name <name>, --limit <n>   of the list; 20 unless given

A flow: { "name": "Add twice", "tasks": {
  "first":  { "type": "sum", "params": { "a": 1, "b": 2 } },
  "second": { "type": "sum", "params": { "a": { "$from": "first.result.result" }, "b": 4 } } } }`;

const toRow = (flow: FlowView): Record<string, string> => ({
  id: flow.flow_id,
  status: formatStatus(flow.status),
  tasks: `${flow.tasks.ended} of ${flow.tasks.total}`,
  name: clean(flow.name ?? ''),
  submitted: toAge(flow.submitted_at),
});

const describeNode = (node: FlowNodeView): string => {
  if (node.error) return clean(node.error.message).slice(0, 80);
  if (node.items !== null && node.items.length > 0)
    return `${node.items.filter(({ status }) => isFinal(status)).length} of ${node.items.length} tasks`;
  if (node.end_reason === 'upstream_failed') return 'something before it failed';
  return node.waits_for > 0 ? `waits for ${node.waits_for}` : '';
};

const toNodeRow = (node: FlowNodeView): Record<string, string> => ({
  node: clean(node.node),
  status: formatStatus(node.status),
  type: clean(node.type),
  after: clean(node.after.join(', ')).slice(0, 40),
  task: node.task_id,
  note: describeNode(node),
});

const printFlow = ({ isJson, print }: CommandContext, flow: FlowDetail): void => {
  if (isJson) return print(JSON.stringify(flow));
  const { ended, total } = flow.tasks;
  print(`${flow.flow_id} ${formatStatus(flow.status)}, ${ended} of ${total} tasks ended`);
  if (flow.name !== null) print(clean(flow.name));
  print(formatTable(flow.nodes.map(toNodeRow)));
};

const printStatus = ({ isJson, print }: CommandContext, flow: FlowView): void =>
  print(isJson ? JSON.stringify(flow) : `${flow.flow_id} ${formatStatus(flow.status)}`);

const toExitCode = ({ status }: FlowView): number => (status === 'COMPLETED' ? 0 : 1);

const list = async (context: CommandContext): Promise<void> => {
  const limit = parseWhole('limit', getText(context, 'limit') ?? '20', 1, 100_000);
  const [status, name] = [getText(context, 'status'), getText(context, 'name')];
  const found: FlowView[] = [];
  const filters = {
    ...(status !== undefined && { status: status.toUpperCase() as FlowStatus }),
    ...(name !== undefined && { name }),
  };
  for await (const flow of context.tasker.flows.list(filters)) {
    found.push(flow);
    if (found.length >= limit) break;
  }
  printRows(context, found, found.map(toRow), 'There are no flows; tasker flows --help');
};

const readBody = async (path: string): Promise<NewFlow> => {
  const text = path === '-' ? await readAll(process.stdin) : await readFile(path, 'utf8');
  try {
    return JSON.parse(text) as NewFlow;
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${(error as Error).message}`);
  }
};

const submit = async (context: CommandContext, path: string): Promise<number | void> => {
  const { tasker, isJson, print, options, signal } = context;
  const body = await readBody(path).catch((error: unknown) => {
    throw error instanceof UsageError ? error : new UsageError(`Cannot read ${path}`);
  });
  const flow = await tasker.flows.submit(body);
  if (options['wait'] === true) {
    const length = getText(context, 'timeout');
    const wish = length === undefined ? {} : { timeout: parseSeconds('timeout', length) * 1_000 };
    const ended = await tasker.flows.wait(flow.flow_id, { ...wish, signal });
    printFlow(context, ended);
    return toExitCode(ended);
  }
  print(isJson ? JSON.stringify(flow) : `${flow.flow_id} ${flow.nodes.length} tasks`);
};

/** Prints what happens to a flow, until it has ended. */
const follow = async (context: CommandContext, id: string): Promise<number> => {
  const { tasker, isJson, print, signal } = context;
  const seen = new Map<string, string>();
  for await (const frame of tasker.flows.watch(id, { signal })) {
    if (isJson) print(JSON.stringify(frame));
    if (isJson || !('flow' in frame)) continue;
    const nodes = 'nodes' in frame ? frame.nodes : 'nodes' in frame.flow ? frame.flow.nodes : [];
    for (const node of nodes) {
      const line = `${formatStatus(node.status, 12)} ${clean(node.node)} ${describeNode(node)}`;
      if (seen.get(node.node) !== line) print(line.trimEnd());
      seen.set(node.node, line);
    }
  }
  const ended = await tasker.flows.get(id);
  if (!isJson) printStatus(context, ended);
  return toExitCode(ended);
};

const VERBS: Record<string, (context: CommandContext, what: string) => Promise<number | void>> = {
  submit,
  show: async (context, id) => printFlow(context, await context.tasker.flows.get(id)),
  watch: follow,
  cancel: async (context, id) => printStatus(context, await context.tasker.flows.cancel(id)),
  retry: async (context, id) => printStatus(context, await context.tasker.flows.retry(id)),
  async delete(context, id) {
    await context.tasker.flows.delete(id);
    context.print(context.isJson ? JSON.stringify({ deleted: id }) : `Deleted ${clean(id)}`);
  },
};

export const flows: Command = {
  usage: 'flows [submit|show|watch|… <id>]',
  summary: 'Tasks that wait for tasks',
  help: HELP,
  options: {
    status: { type: 'string' },
    name: { type: 'string' },
    limit: { type: 'string' },
    wait: { type: 'boolean' },
    timeout: { type: 'string' },
  },
  async run(context) {
    const [verb, what] = context.args;
    if (verb === undefined) return list(context);
    const command = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
    if (!command)
      throw new UsageError(`There is no "flows ${verb}", but: ${Object.keys(VERBS).join(', ')}`);
    if (what === undefined)
      throw new UsageError(
        `Say which: tasker flows ${verb} <${verb === 'submit' ? 'file' : 'id'}>`,
      );
    return command(context, what);
  },
};
