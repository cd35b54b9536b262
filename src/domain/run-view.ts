import type { Task } from './task.ts';

/** What everybody who runs a task outside is told of it, besides its parameters. */
export const toRunView = (
  task: Pick<Task, 'id' | 'type' | 'attempt' | 'tags' | 'submitted_at'>,
) => ({
  task_id: task.id,
  type: task.type,
  attempt: task.attempt,
  tags: JSON.parse(task.tags) as string[],
  submitted_at: new Date(task.submitted_at).toISOString(),
});
