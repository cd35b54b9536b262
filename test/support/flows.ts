import { env } from 'cloudflare:workers';
import type { Flow } from '../../src/domain/flow.ts';
import type { FlowNodeRequest, FlowRequest } from '../../src/domain/flow-request.ts';
import type { Task } from '../../src/domain/task.ts';
import type { BuildDeps, Caller } from '../../src/engine/build-submitted.ts';
import { buildFlow, type BuiltFlow } from '../../src/engine/flow-build.ts';
import { catalog } from '../../src/handlers/catalog.ts';
import { createFlowStore } from '../../src/store/flows.ts';
import { dependencies } from './deps.ts';
import { OWNER } from './rows.ts';

export const buildDeps = (now: number): BuildDeps => ({
  catalog,
  outgoingRules: { allowedHosts: [] },
  secrets: dependencies.secrets,
  canSign: true,
  hasSearchIndex: false,
  now: () => now,
});
export const aCaller: Caller = {
  owner: OWNER,
  requestId: 'a request',
  ownHost: 'tasks.example.com',
  taskTypes: null,
  fields: { type: 'type', params: 'params' },
};

/** A node that adds up: numbers, or values of others by `node.result.result`. */
export const sum = (
  a: number | string,
  b: number | string = 1,
  more: Partial<FlowNodeRequest> = {},
): FlowNodeRequest => {
  const value = (of: number | string) => (typeof of === 'string' ? { $from: of } : of);
  return { type: 'sum', params: { a: value(a), b: value(b) }, priority: 'MEDIUM', ...more };
};

/** A flow and its rows, stored; a test ends its tasks by itself. */
export const storeFlow = async (
  tasks: Record<string, FlowNodeRequest>,
  now: number,
  more: Partial<FlowRequest> = {},
): Promise<BuiltFlow & { idOf(node: string): string }> => {
  const built = await buildFlow(
    { on_failure: 'stop', ...more, tasks },
    aCaller,
    null,
    buildDeps(now),
  );
  await createFlowStore(env.DB).insert(built.flow, built.tasks, built.edges);
  const idOf = (node: string): string => built.tasks.find((task) => task.node === node)?.id ?? '';
  return { ...built, idOf };
};

/** Ends a task, as a recording would. Returns its row. */
export const endTask = async (
  id: string,
  now: number,
  end: { result: unknown } | 'FAILED' | 'CANCELLED' = { result: { result: 1 } },
): Promise<Task> => {
  const isDone = typeof end === 'object';
  const row = await env.DB.prepare(
    `UPDATE tasks SET status = ?2, completed_at = ?3, result = ?4, held = NULL, wake_at = NULL,
    version = version + 1, updated_at = ?3 WHERE id = ?1 RETURNING *`,
  )
    .bind(id, isDone ? 'COMPLETED' : end, now, isDone ? JSON.stringify(end.result) : null)
    .first<Task>();
  if (!row) throw new Error(`No task ${id}`);
  return row;
};

export const flowRow = async (id: string): Promise<Flow> => {
  const row = await env.DB.prepare('SELECT * FROM flows WHERE id = ?').bind(id).first<Flow>();
  if (!row) throw new Error(`No flow ${id}`);
  return row;
};

/** All that is left of flows. */
export const clearFlows = async (): Promise<void> => {
  await env.DB.batch(
    ['tasks', 'flows', 'flow_edges', 'deliveries'].map((table) =>
      env.DB.prepare(`DELETE FROM ${table}`),
    ),
  );
};
