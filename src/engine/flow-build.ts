import { v7 as uuidv7 } from 'uuid';
import { assertTypeAllowed } from '../domain/api-key.ts';
import { AppError, type FieldError } from '../domain/errors.ts';
import { refuseFields, toFieldErrors } from '../domain/field-errors.ts';
import type { Flow, FlowEdge } from '../domain/flow.ts';
import { orderNodes, type FlowEdges } from '../domain/flow-graph.ts';
import {
  fillIn,
  findReferences,
  parseReference,
  type FoundReference,
} from '../domain/flow-references.ts';
import type { FlowNodeRequest, FlowRequest } from '../domain/flow-request.ts';
import { FLOWLESS } from '../domain/new-task.ts';
import type { SubmitRequest } from '../domain/submit-request.ts';
import type { Task } from '../domain/task.ts';
import {
  buildSubmittedTask,
  resolveCallback,
  type BuildDeps,
  type Caller,
} from './build-submitted.ts';

/** A flow with its tasks and what each waits for, not stored yet. */
export interface BuiltFlow {
  flow: Flow;
  /** In an order in which each comes after those that it waits for. */
  tasks: Task[];
  edges: Pick<FlowEdge, 'before' | 'follower'>[];
  /** As each task was asked for, in the order of the tasks. */
  requests: SubmitRequest[];
}

/** A node with what it names of others. */
interface Node {
  name: string;
  request: FlowNodeRequest;
  references: FoundReference[];
  /** All that it waits for. */
  after: string[];
}

const refuse = (path: string, code: string, message: string): FieldError => ({
  in: 'body',
  path,
  code,
  message,
});

const readNode = (name: string, request: FlowNodeRequest): { node: Node; errors: FieldError[] } => {
  const path = `tasks.${name}`;
  const references = findReferences(request.params);
  const errors = references.flatMap(({ at, problem }) =>
    problem === null ? [] : [refuse(`${path}.${at}`, 'invalid_reference', problem)],
  );
  const list = request.for_each && parseReference(request.for_each.$from);
  if (request.for_each && !list?.node)
    errors.push(
      refuse(
        `${path}.for_each.$from`,
        'invalid_reference',
        'Write "node.result" or "node.result.path"',
      ),
    );
  const items = references.find(({ reference }) => reference?.node === null);
  if (items && !request.for_each)
    errors.push(refuse(`${path}.${items.at}`, 'no_item', 'There is an item only with `for_each`'));
  if (request.unique)
    errors.push(
      refuse(
        `${path}.unique`,
        'not_allowed',
        'A task of a flow is not unique by itself: use an Idempotency-Key for the flow',
      ),
    );
  const named = references.flatMap(({ reference }) => reference?.node ?? []);
  const after = [
    ...new Set([...(request.after ?? []), ...named, ...(list?.node ? [list.node] : [])]),
  ];
  if (new Set(request.after).size < (request.after ?? []).length)
    errors.push(refuse(`${path}.after`, 'duplicate', 'It names a task twice'));
  return { node: { name, request, references, after }, errors };
};

/** Errors of parameters that have nothing to do with values which are not there yet. */
const findSureErrors = (
  errors: FieldError[],
  references: readonly FoundReference[],
): FieldError[] =>
  errors.filter(({ path, code }) => {
    const touches = references.some(
      ({ at }) => path === at || path.startsWith(`${at}.`) || at.startsWith(`${path}.`),
    );
    return code === 'unknown_field' || (code !== 'custom' && path !== 'params' && !touches);
  });

/** 422 for what is wrong whatever the values are. */
const checkTemplate = ({ request, references }: Node, caller: Caller, deps: BuildDeps): void => {
  const handler = deps.catalog.find(caller.owner, request.type);
  if (!handler) return;
  if (caller.taskTypes !== null && handler.runsOthers)
    throw new AppError(
      'type_not_allowed',
      `This key runs some types only: parameters of ${handler.type} must not name values of other tasks`,
    );
  const parsed = handler.params.safeParse(request.params);
  if (parsed.success) return;
  const sure = findSureErrors(toFieldErrors(parsed.error, 'body', ['params']), references);
  if (sure.length > 0) refuseFields(sure);
};

/** A task whose parameters are filled in later, or that comes after others. */
const buildNode = async (
  node: Node,
  flow: Flow,
  caller: Caller,
  deps: BuildDeps,
): Promise<Task> => {
  const { name, request, references, after } = node;
  const { after: _, for_each, delay_seconds, ...submit } = request;
  const isBlocked = after.length > 0;
  // What waits for others is delayed from when these have ended.
  const delay = isBlocked ? delay_seconds : undefined;
  const own = { ...submit, ...(!isBlocked && { delay_seconds }) };
  if (delay !== undefined && submit.scheduled_at !== undefined)
    refuseFields([refuse('scheduled_at', 'conflict', 'Give either delay_seconds or scheduled_at')]);
  const isTemplate = references.some(({ reference }) => reference !== null);
  if (isTemplate) checkTemplate(node, caller, deps);
  const plain = isTemplate ? submit.params : fillIn(submit.params, () => null);
  const task = await buildSubmittedTask(
    { ...own, params: plain as SubmitRequest['params'] },
    caller,
    null,
    deps,
    isTemplate,
  );
  // As they were written, until they are filled in.
  const written = JSON.stringify(submit.params);
  const isWritten = isTemplate || (isBlocked && written !== JSON.stringify(plain));
  return {
    ...task,
    ...FLOWLESS,
    status: isBlocked ? 'PENDING' : task.status,
    params: isWritten ? written : task.params,
    reuse_key: null,
    flow_id: flow.id,
    node: name,
    blocked_by: isBlocked ? after.length : null,
    template: isWritten ? written : null,
    for_each: for_each?.$from ?? null,
    delay_ms: delay === undefined || delay === 0 ? null : Math.round(delay * 1_000),
  };
};

/** Errors of one node, each by its name. */
const nameErrors = (error: unknown, name: string): FieldError[] => {
  if (!(error instanceof AppError) || !error.errors) throw error;
  return error.errors.map((each) => ({ ...each, path: `tasks.${name}.${each.path}` }));
};

/**
 * The rows of a flow; 422 with every bad field named.
 * @param key its Idempotency-Key and the hash of its body
 */
export const buildFlow = async (
  request: FlowRequest,
  caller: Caller & { keyId?: string | null },
  key: { idempotencyKey: string; fingerprint: string } | null,
  deps: BuildDeps,
): Promise<BuiltFlow> => {
  const read = Object.entries(request.tasks).map(([name, node]) => readNode(name, node));
  const errors = read.flatMap((each) => each.errors);
  const nodes = new Map(read.map(({ node }) => [node.name, node]));
  const edges: FlowEdges = new Map([...nodes].map(([name, { after }]) => [name, after]));
  const { order, errors: ofGraph } = orderNodes(edges);
  errors.push(...ofGraph);
  for (const { type } of Object.values(request.tasks)) {
    const handler = deps.catalog.find(caller.owner, type);
    if (handler) assertTypeAllowed(caller.taskTypes, handler.type);
  }
  if (errors.length > 0) return refuseFields(errors);
  const now = deps.now();
  const flow: Flow = {
    owner: caller.owner,
    id: uuidv7(),
    name: request.name?.toWellFormed() ?? null,
    status: 'PENDING',
    on_failure: request.on_failure,
    open: order.length,
    tasks: order.length,
    version: 1,
    submitted_at: now,
    started_at: null,
    completed_at: null,
    cancelled_at: null,
    deleted_at: null,
    updated_at: now,
    callback_url: resolveCallback(request, caller.ownHost, deps),
    idempotency_key: key?.idempotencyKey ?? null,
    fingerprint: key?.fingerprint ?? null,
    request_id: caller.requestId,
    created_by_key: caller.keyId ?? null,
  };
  const tasks: Task[] = [];
  for (const name of order) {
    try {
      tasks.push(await buildNode(nodes.get(name) as Node, flow, caller, deps));
    } catch (error) {
      errors.push(...nameErrors(error, name));
    }
  }
  if (errors.length > 0) return refuseFields(errors);
  const ids = new Map(tasks.map(({ node, id }) => [String(node), id]));
  return {
    flow,
    tasks,
    edges: [...edges].flatMap(([name, after]) =>
      after.map((each) => ({ before: ids.get(each) ?? '', follower: ids.get(name) ?? '' })),
    ),
    requests: order.map((name) => (nodes.get(name) as Node).request),
  };
};
