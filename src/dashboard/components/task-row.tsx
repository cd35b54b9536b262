import { useMemo } from 'preact/hooks';
import { formatAge } from '../format.ts';
import { useNow } from '../hooks.ts';
import { progressOf, type TaskUpdate } from '../live.ts';
import { go, toHref } from '../router.ts';
import type { ListRow } from '../pages/task-rows.ts';
import { listColumns } from '../columns.tsx';
import { StatusBadge } from './ui.tsx';

/** Why a task of the list waits, as far as its row tells. */
const Wait = ({ task }: { task: TaskUpdate }) => {
  const now = useNow();
  const due = task.scheduled_at;
  if (due === null || Date.parse(due) <= now) return null;
  if (task.status === 'NEW') return <span class="muted">runs {formatAge(due, now)}</span>;
  return task.status === 'PENDING' ? (
    <span class="muted">
      attempt {task.attempt + 1} {formatAge(due, now)}
    </span>
  ) : null;
};

/** How far it is; drawn by itself, so that the row need not be. */
const RowProgress = ({ task }: { task: TaskUpdate }) => {
  const fraction = progressOf.value.get(task.task_id) ?? task.progress?.fraction;
  return fraction === undefined ? null : (
    <progress max={1} value={fraction} aria-label={`${Math.round(fraction * 100)} % done`} />
  );
};

interface TaskRowProps {
  row: ListRow;
  isChosen: boolean;
  isLeft: boolean;
  isFocused: boolean;
  choose(isChosen: boolean): void;
  preview(): void;
}

/** A row that only changes when its task does: hundreds of tasks a second may come by. */
export const TaskRow = ({ row, isChosen, isLeft, isFocused, choose, preview }: TaskRowProps) => {
  const { task, isChanged, isNew } = row;
  // Of two names for one animation, each change of a row takes the other: so it starts again.
  const flash = isChanged ? `flash${task.version % 2}` : '';
  const columns = listColumns();
  const open = (event: MouseEvent): void => {
    if (!(event.target as Element).closest('a, input, button')) go(`/tasks/${task.task_id}`);
  };
  const classes = [
    isNew ? 'new' : '',
    flash,
    isChosen ? 'chosen' : '',
    isLeft ? 'over' : '',
    isFocused ? 'focused' : '',
  ].join(' ');
  return useMemo(
    () => (
      <tr
        class={classes}
        title={isLeft ? 'It does not match the filters any more' : undefined}
        onClick={open}
        data-task={task.task_id}
      >
        <td>
          <input
            type="checkbox"
            aria-label={`Select ${task.title ?? task.type} ${task.task_id}`}
            checked={isChosen}
            onChange={(event) => choose(event.currentTarget.checked)}
          />
        </td>
        <td>
          <StatusBadge status={task.status} isScheduled={task.scheduled_at !== null} />
        </td>
        <td class="what">
          <a href={toHref(`/tasks/${task.task_id}`)}>{task.title ?? task.type}</a>
          {task.status === 'IN_PROGRESS' && <RowProgress task={task} />}
          <span class="muted">
            {task.title === null ? '' : `${task.type} `}
            {task.error?.message.slice(0, 120)}
          </span>{' '}
          <Wait task={task} />
        </td>
        {columns.map(({ key, isNumber, show }) => (
          <td key={key} class={`${isNumber ? 'num' : ''} ${key === 'submitted' ? '' : 'wide'}`}>
            {show(task)}
          </td>
        ))}
        <td class="num wide">
          <button class="small plain" aria-label={`Preview ${task.task_id}`} onClick={preview}>
            ›
          </button>
        </td>
      </tr>
    ),
    [row, isChosen, isLeft, isFocused, columns.map(({ key }) => key).join()],
  );
};
