import type { NewFlow, NewFlowTask, ValueOf } from './flow-types.ts';

const toPath = (path: readonly (string | number)[]): string =>
  path.map((part) => `.${part}`).join('');

/** A node of a flow that is being built. */
export interface FlowNode {
  readonly name: string;
  /** Its result, or what is at a path of it, as a value of another node. */
  result(...path: (string | number)[]): ValueOf;
}

/** The item of a node with `forEach`, or what is at a path of it. */
export const item = (...path: (string | number)[]): ValueOf => ({ $from: `item${toPath(path)}` });

/** A value as it stands, also where it looks like one of another node. */
export const literal = <Value>(value: Value): { $literal: Value } => ({ $literal: value });

type FlowTaskOptions = Omit<NewFlowTask, 'type' | 'params' | 'after' | 'for_each'> & {
  /** Nodes, or their names, that it waits for besides those whose values it names. */
  after?: (FlowNode | string)[];
  /** A list of whose items each becomes a task. */
  forEach?: ValueOf;
};

export interface FlowBuilder {
  /** Adds a node. Its parameters may hold `node.result()`, which makes it wait for that node. */
  task(name: string, type: string, params?: object, options?: FlowTaskOptions): FlowNode;
  /** The flow as it is submitted; JSON.stringify calls it too. */
  toJSON(): NewFlow;
}

/**
 * Builds a flow.
 * @example const orders = flow('Orders'); const list = orders.task('list', 'list_orders');
 * const check = orders.task('check', 'check_order', { id: item('id') }, { forEach: list.result() });
 * orders.task('report', 'report', { checked: check.result() }); await tasker.flows.submit(orders);
 */
export const flow = (
  name?: string,
  { onFailure, callbackUrl }: { onFailure?: 'stop' | 'continue'; callbackUrl?: string } = {},
): FlowBuilder => {
  const tasks: Record<string, NewFlowTask> = {};
  return {
    task(nodeName, type, params = {}, { after, forEach, ...options } = {}) {
      if (Object.hasOwn(tasks, nodeName))
        throw new TypeError(`The flow has a task "${nodeName}" already`);
      tasks[nodeName] = {
        ...options,
        type,
        params,
        ...(after && { after: after.map((each) => (typeof each === 'string' ? each : each.name)) }),
        ...(forEach && { for_each: forEach }),
      };
      return {
        name: nodeName,
        result: (...path) => ({ $from: `${nodeName}.result${toPath(path)}` }),
      };
    },
    toJSON: () => ({
      ...(name !== undefined && { name }),
      ...(onFailure && { on_failure: onFailure }),
      ...(callbackUrl !== undefined && { callback_url: callbackUrl }),
      tasks,
    }),
  };
};
