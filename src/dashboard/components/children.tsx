import type { TaskDetail, TaskView } from '../../domain/view.ts';
import { get } from '../api.ts';
import { useQuery } from '../hooks.ts';
import { toHref } from '../router.ts';
import { Card, StatusBadge, TaskLink } from './ui.tsx';

/** Tasks that are drawn; the list has the others. */
const MAX_SHOWN = 20;

/** The tasks that its runs submitted. */
export const Children = ({ task }: { task: TaskDetail }) => {
  const { data } = useQuery(`children ${task.task_id} ${task.version}`, () =>
    get<{ tasks: TaskView[] }>(
      `/tasks?parent_id=${task.task_id}&order=oldest&cursor=&page_size=${MAX_SHOWN}`,
    ),
  );
  const children = data?.tasks ?? [];
  if (children.length === 0) return null;
  return (
    <Card title="Submitted by it">
      <ol class="children">
        {children.map(({ task_id, type, title, status }) => (
          <li key={task_id}>
            <StatusBadge status={status} />
            <TaskLink id={task_id} />
            <span>{title ?? type}</span>
          </li>
        ))}
      </ol>
      <a href={toHref('/tasks', { parent_id: task.task_id })}>
        {children.length === MAX_SHOWN ? 'All of them' : 'As a list'}
      </a>
    </Card>
  );
};
