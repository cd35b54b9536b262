import { snapshotAt, type Delivery } from '../domain/delivery.ts';
import type { Task } from '../domain/task.ts';
import { toTaskView, type TaskView } from '../domain/view.ts';

/** A larger event is sent without parameters and result, with a link to them. In UTF-16 units. */
const MAX_EVENT_CHARS = 65_536;

/** The event that is delivered, in the shape that Standard Webhooks recommends. */
export interface TaskEvent {
  type: 'task.completed' | 'task.failed' | 'task.cancelled';
  /** When the task ended. */
  timestamp: string;
  owner: string;
  /** `url`: where the whole task is, when its parameters and result were left out. */
  data: TaskView & { truncated?: true; url?: string };
}

/** The event of a delivery. @param publicUrl where the service is reached; empty when not known */
export const toEvent = (delivery: Delivery, task: Task, publicUrl: string): TaskEvent => {
  const data = toTaskView(snapshotAt(task, delivery));
  const isLarge = task.params.length + (task.result?.length ?? 0) > MAX_EVENT_CHARS;
  const url = `${publicUrl.replace(/\/$/, '')}/tasks/${task.id}`;
  return {
    type: `task.${delivery.status.toLowerCase()}` as TaskEvent['type'],
    timestamp: new Date(delivery.owed_at).toISOString(),
    owner: delivery.owner,
    data: isLarge ? { ...data, params: null, result: null, truncated: true, url } : data,
  };
};
