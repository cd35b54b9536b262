import type { Delivery } from '../domain/delivery.ts';
import type { Flow } from '../domain/flow.ts';
import type { Task } from '../domain/task.ts';
import type { FlowStore } from '../store/flows.ts';
import type { TaskStore } from '../store/tasks.ts';

/** What a delivery tells of: a task, or a flow. */
export type Subject = { task: Task } | { flow: Flow };

export interface SubjectDeps {
  store: Pick<TaskStore, 'getMany'>;
  flows: Pick<FlowStore, 'getMany'>;
}

/** What these deliveries tell of, by its id; what was deleted is left out. */
export const findSubjects = async (
  deliveries: readonly Pick<Delivery, 'owner' | 'task_id' | 'subject'>[],
  { store, flows }: SubjectDeps,
): Promise<Map<string, Subject>> => {
  const keysOf = (wanted: Delivery['subject']) =>
    deliveries
      .filter(({ subject }) => subject === wanted)
      .map(({ owner, task_id }) => ({ owner, id: task_id }));
  const [ofTasks, ofFlows] = [keysOf('task'), keysOf('flow')];
  const tasks = ofTasks.length > 0 ? await store.getMany(ofTasks) : [];
  const found = ofFlows.length > 0 ? await flows.getMany(ofFlows) : [];
  return new Map<string, Subject>([
    ...tasks.map((task) => [task.id, { task }] as const),
    ...found.map((flow) => [flow.id, { flow }] as const),
  ]);
};
