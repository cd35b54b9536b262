import type { FieldError } from './errors.ts';

// The shape of a flow: tasks that wait for tasks.

/** Nodes of one flow, and what they wait for, all together. */
export const MAX_FLOW_NODES = 1_000;
const MAX_FLOW_EDGES = 10_000;

/** What each node waits for, by its name. */
export type FlowEdges = ReadonlyMap<string, readonly string[]>;

const refuse = (path: string, code: string, message: string): FieldError => ({
  in: 'body',
  path,
  code,
  message,
});

/**
 * Nodes so that each comes after those that it waits for; those that are left wait for each other. By
 * counting, so that a chain of any length needs no stack.
 */
const sortNodes = (edges: FlowEdges): { sorted: string[]; left: Set<string> } => {
  const open = new Map([...edges].map(([node, after]) => [node, after.length]));
  const followers = new Map<string, string[]>();
  for (const [node, after] of edges)
    for (const before of after) {
      const list = followers.get(before);
      if (list) list.push(node);
      else followers.set(before, [node]);
    }
  const sorted = [...open].filter(([, count]) => count === 0).map(([node]) => node);
  // Grows while it is walked.
  for (const node of sorted)
    for (const follower of followers.get(node) ?? []) {
      const count = (open.get(follower) ?? 0) - 1;
      open.set(follower, count);
      if (count === 0) sorted.push(follower);
    }
  const done = new Set(sorted);
  return { sorted, left: new Set([...edges.keys()].filter((node) => !done.has(node))) };
};

/** One cycle among nodes that wait for each other, such as `a → b → a`. */
const findCycle = (edges: FlowEdges, left: ReadonlySet<string>): string[] => {
  const [first = ''] = left;
  const seen = new Map<string, number>();
  const path: string[] = [];
  // Each of them waits for another of them: the walk back comes to where it was.
  for (let node = first; !seen.has(node);) {
    seen.set(node, path.length);
    path.push(node);
    node = edges.get(node)?.find((before) => left.has(before)) ?? first;
    if (seen.has(node)) return [...path.slice(seen.get(node)), node].toReversed();
  }
  return path;
};

/**
 * Nodes in an order in which each comes after those that it waits for, or what is wrong with the graph:
 * unknown names, doubles, cycles, too much of it.
 * @param toPath the place of what a node waits for, in the request
 */
export const orderNodes = (
  edges: FlowEdges,
  toPath: (node: string, before?: string) => string = (node) => `tasks.${node}.after`,
): { order: string[]; errors: FieldError[] } => {
  const errors: FieldError[] = [];
  const count = [...edges.values()].reduce((sum, after) => sum + after.length, 0);
  if (edges.size > MAX_FLOW_NODES)
    errors.push(refuse('tasks', 'too_big', `A flow has ${MAX_FLOW_NODES} tasks at most`));
  if (count > MAX_FLOW_EDGES)
    errors.push(
      refuse('tasks', 'too_big', `Its tasks wait for ${MAX_FLOW_EDGES} others at most, in all`),
    );
  if (errors.length > 0) return { order: [], errors };
  for (const [node, after] of edges) {
    const unknown = after.find((before) => !edges.has(before));
    if (unknown !== undefined)
      errors.push(refuse(toPath(node, unknown), 'unknown_node', `There is no task "${unknown}"`));
    if (new Set(after).size < after.length)
      errors.push(refuse(toPath(node), 'duplicate', 'It names a task twice'));
  }
  if (errors.length > 0) return { order: [], errors };
  const { sorted, left } = sortNodes(edges);
  if (left.size === 0) return { order: sorted, errors };
  const cycle = findCycle(edges, left);
  const [node = ''] = cycle;
  const message = `They wait for each other: ${cycle.join(' → ')}`;
  return { order: [], errors: [refuse(toPath(node), 'cycle', message)] };
};
