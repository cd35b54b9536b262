import { measureBody } from '../domain/body.ts';
import { snapshotAt, type Delivery } from '../domain/delivery.ts';
import type { Flow } from '../domain/flow.ts';
import { toFlowView, type FlowView } from '../domain/flow-view.ts';
import type { Task } from '../domain/task.ts';
import { toTaskView, type TaskView } from '../domain/view.ts';

/** A larger event is sent without parameters and result, with a link to them. */
const MAX_EVENT_BYTES = 65_536;

/** The event that is delivered, in the shape that Standard Webhooks recommends. */
export interface TaskEvent {
  type: 'task.completed' | 'task.failed' | 'task.cancelled';
  /** When the task ended. */
  timestamp: string;
  owner: string;
  /** `url`: where the whole task is, when its parameters and result were left out. */
  data: TaskView & { truncated?: true; url?: string };
}

/** The same of a flow: without its nodes. */
export interface FlowEvent {
  type: 'flow.completed' | 'flow.failed' | 'flow.cancelled';
  /** When the flow ended. */
  timestamp: string;
  owner: string;
  data: FlowView;
}

/** The event of a flow's delivery, as it ended though it may have been retried since. */
export const toFlowEvent = (delivery: Delivery, flow: Flow): FlowEvent => ({
  type: `flow.${delivery.status.toLowerCase()}` as FlowEvent['type'],
  timestamp: new Date(delivery.owed_at).toISOString(),
  owner: delivery.owner,
  data: toFlowView({
    ...flow,
    status: delivery.status,
    version: delivery.version,
    completed_at: delivery.owed_at,
    updated_at: delivery.owed_at,
    open: 0,
  }),
});

/** The event of a delivery. @param publicUrl where the service is reached; empty when not known */
export const toEvent = (delivery: Delivery, task: Task, publicUrl: string): TaskEvent => {
  const data = toTaskView(snapshotAt(task, delivery));
  const isLarge = measureBody(task.params) + measureBody(task.result ?? '') > MAX_EVENT_BYTES;
  const url = `${publicUrl.replace(/\/$/, '')}/tasks/${task.id}`;
  return {
    type: `task.${delivery.status.toLowerCase()}` as TaskEvent['type'],
    timestamp: new Date(delivery.owed_at).toISOString(),
    owner: delivery.owner,
    data: isLarge ? { ...data, params: null, result: null, truncated: true, url } : data,
  };
};
