import { toBodyText } from '../domain/body.ts';
import { v7 as uuidv7 } from 'uuid';
import { assertTypeAllowed } from '../domain/api-key.ts';
import { AppError, type FieldError } from '../domain/errors.ts';
import { refuseFields, toFieldErrors } from '../domain/field-errors.ts';
import type { Flow, FlowEdge } from '../domain/flow.ts';
import { orderNodes, type FlowEdges } from '../domain/flow-graph.ts';
import { findSureErrors, readNode, type RequestedNode } from '../domain/flow-nodes.ts';
import { fillIn } from '../domain/flow-references.ts';
import type { FlowRequest } from '../domain/flow-request.ts';
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

/** 422 for what is wrong whatever the values are. */
const checkTemplate = (
  { request, references }: RequestedNode,
  caller: Caller,
  deps: BuildDeps,
): void => {
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
  node: RequestedNode,
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
    refuseFields([
      {
        in: 'body',
        path: 'scheduled_at',
        code: 'conflict',
        message: 'Give either delay_seconds or scheduled_at',
      },
    ]);
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
  const written = toBodyText(submit.params);
  const isWritten = isTemplate || (isBlocked && written !== toBodyText(plain));
  return {
    ...task,
    ...FLOWLESS,
    status: isBlocked ? 'PENDING' : task.status,
    params: isWritten ? written : task.params,
    reuse_key: null,
    flow_id: flow.id,
    node: name,
    blocked_by: isBlocked ? after.length : null,
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
  const { order, errors: ofGraph } = orderNodes(
    edges,
    (name, before = '') => nodes.get(name)?.places.get(before) ?? `tasks.${name}.after`,
  );
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
    callback_url: resolveCallback(request, caller, deps),
    idempotency_key: key?.idempotencyKey ?? null,
    fingerprint: key?.fingerprint ?? null,
    request_id: caller.requestId,
    created_by_key: caller.keyId ?? null,
  };
  const tasks: Task[] = [];
  for (const name of order) {
    try {
      tasks.push(await buildNode(nodes.get(name) as RequestedNode, flow, caller, deps));
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
    requests: order.map((name) => (nodes.get(name) as RequestedNode).request),
  };
};
