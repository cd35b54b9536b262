import { UsageError } from './arguments.ts';
import type { CommandContext } from './context.ts';

const isId = (text: string): boolean => /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text);

/** The task that an id, or the short form of one, names. */
export const resolveId = async ({ tasker, args }: CommandContext): Promise<string> => {
  const [text] = args;
  if (text === undefined) throw new UsageError('Give the id of a task');
  if (isId(text)) return text;
  const found: string[] = [];
  for await (const { task_id } of tasker.list({ q: text, pageSize: 2 })) {
    found.push(task_id);
    if (found.length === 2) break;
  }
  const [id, other] = found;
  if (id === undefined) throw new UsageError(`There is no task "${text}"`);
  if (other !== undefined)
    throw new UsageError(`"${text}" is more than one task: tasker list -q ${text}`);
  return id;
};
