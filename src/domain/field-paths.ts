/** A place in parameters or results that lists can be filtered by. */
export interface FieldPath {
  /** As a filter writes it: `params.city`. */
  path: string;
  /** Of how many tasks that were looked at. */
  tasks: number;
  /** A value that is there. */
  example: string;
}

const MAX_PATHS = 200;
/** Values that are looked at in one task. */
const MAX_VISITED = 500;
const MAX_DEPTH = 6;
const MAX_EXAMPLE = 60;
/** What a filter can say: see `filter-schema.ts`. */
const SEGMENT = /^[^"\\.\p{Cc}]{1,100}$/u;

/** The paths of plain values in tasks, the most frequent first. Of lists the first item is taken. */
export const findFieldPaths = (
  tasks: readonly { params: string; result: string | null }[],
): FieldPath[] => {
  const found = new Map<string, FieldPath>();
  const visit = (path: string, value: unknown, depth: number, budget: { left: number }): void => {
    if (depth > MAX_DEPTH || budget.left <= 0) return;
    budget.left -= 1;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      const known = found.get(path);
      if (known) known.tasks += 1;
      else if (found.size < MAX_PATHS * 2)
        found.set(path, { path, tasks: 1, example: String(value).slice(0, MAX_EXAMPLE) });
      return;
    }
    const entries = Array.isArray(value)
      ? value.slice(0, 1).entries()
      : Object.entries(value ?? {});
    for (const [name, each] of entries)
      if (SEGMENT.test(String(name))) visit(`${path}.${name}`, each, depth + 1, budget);
  };
  for (const { params, result } of tasks) {
    visit('params', JSON.parse(params), 0, { left: MAX_VISITED });
    if (result !== null) visit('result', JSON.parse(result), 0, { left: MAX_VISITED });
  }
  return [...found.values()]
    .filter(({ path }) => path.includes('.'))
    .toSorted((a, b) => b.tasks - a.tasks)
    .slice(0, MAX_PATHS);
};
