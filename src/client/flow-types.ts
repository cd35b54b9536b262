import type { NewTask, Status, TaskView } from './types.ts';

/** A value of another task, in the parameters of a node: `node.result`, `node.result.path`, `item`. */
export interface ValueOf {
  $from: string;
}

/** A node of a flow: a task, and what it waits for. Its parameters may name values of others. */
export type NewFlowTask = Omit<NewTask, 'params' | 'unique'> & {
  params?: object;
  /** The nodes that it waits for, besides those whose values it names. */
  after?: string[];
  /** A list of whose items each becomes a task, 1 000 at most; `item` is its own. */
  for_each?: ValueOf;
};

/** A flow to be submitted: its tasks by name. */
export interface NewFlow {
  name?: string | null;
  tasks: Record<string, NewFlowTask>;
  /**
   * `stop` unless given: what waits for a task that failed or was cancelled is cancelled. `continue`: it
   * runs, with null for its value.
   */
  on_failure?: 'stop' | 'continue';
  callback_url?: string | null;
}

export type FlowStatus = 'PENDING' | 'IN_PROGRESS' | 'COMPLETED' | 'FAILED' | 'CANCELLED';

/** A flow that was just submitted. */
export interface AcceptedFlow {
  flow_id: string;
  name: string | null;
  status: FlowStatus;
  nodes: { node: string; task_id: string; status: Status }[];
}

/** A flow as lists have it. Times are ISO 8601. */
export interface FlowView {
  flow_id: string;
  name: string | null;
  status: FlowStatus;
  on_failure: 'stop' | 'continue';
  /** Those that `for_each` made included. */
  tasks: { total: number; ended: number };
  callback_url: string | null;
  submitted_at: string;
  started_at: string | null;
  completed_at: string | null;
  updated_at: string;
  version: number;
}

/** A node as its flow has it. */
export interface FlowNodeView extends Pick<
  TaskView,
  | 'task_id'
  | 'type'
  | 'title'
  | 'status'
  | 'queue'
  | 'error'
  | 'end_reason'
  | 'attempt'
  | 'progress'
  | 'started_at'
  | 'completed_at'
  | 'version'
> {
  node: string;
  after: string[];
  /** How many of them have not ended. */
  waits_for: number;
  /** The tasks that `for_each` made, in the order of the list; null without it. */
  items: { task_id: string; item: number; status: Status }[] | null;
}

/** A flow with its nodes, each after those that it waits for. */
export interface FlowDetail extends FlowView {
  nodes: FlowNodeView[];
}
