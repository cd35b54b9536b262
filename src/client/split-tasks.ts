import type { NewTask } from './types.ts';

/** Tasks that one bulk call takes. */
const MAX_BULK = 1_000;

/** … and of those, tasks that replace others. */
const MAX_REPLACING = 100;

/** A bulk call takes 1 MB. */
const MAX_BULK_BYTES = 900_000;

/** Tasks as bulk calls take them. */
export const splitTasks = (tasks: readonly NewTask[]): NewTask[][] => {
  const chunks: NewTask[][] = [];
  let bytes = 0;
  let replacing = 0;
  for (const task of tasks) {
    const replaces = task.unique?.on_conflict === 'replace' ? 1 : 0;
    const size = new TextEncoder().encode(JSON.stringify(task)).byteLength + 1;
    const last = chunks.at(-1);
    if (
      last &&
      last.length < MAX_BULK &&
      bytes + size <= MAX_BULK_BYTES &&
      replacing + replaces <= MAX_REPLACING
    ) {
      last.push(task);
      bytes += size;
      replacing += replaces;
    } else {
      chunks.push([task]);
      bytes = size;
      replacing = replaces;
    }
  }
  return chunks;
};
