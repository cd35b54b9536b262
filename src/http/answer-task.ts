import { hasScope } from '../domain/api-key.ts';
import type { Task } from '../domain/task.ts';
import { toTaskView, type TaskView } from '../domain/view.ts';
import type { AppContext } from './context.ts';

/** What a key that may not read tasks is not told. */
const UNREADABLE = {
  title: null,
  description: null,
  params: null,
  result: null,
  error: null,
  progress: null,
  tags: [],
  callback_url: null,
} satisfies Partial<TaskView>;

/** The task as the answer to a write: a key without `tasks:read` hears how it stands, no more. */
export const toAllowedView = (c: AppContext, task: Task): TaskView => {
  const view = toTaskView(task);
  return hasScope(c.get('identity').scopes, 'tasks:read') ? view : { ...view, ...UNREADABLE };
};
