import { isFinal } from '../../domain/words.ts';
import type { CommandName } from '../../domain/lifecycle.ts';
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { TaskView } from '../../domain/view.ts';
import { ApiError, post } from '../api.ts';
import { formatNumber } from '../format.ts';
import { watchTask } from '../live.ts';
import { useAction } from '../hooks.ts';
import { toHref } from '../router.ts';
import { ProgressBar } from './ui.tsx';
import { confirm } from './confirm.tsx';
import { toast } from './toast.tsx';

const DONE: Record<CommandName, string> = {
  cancel: 'cancelled',
  retry: 'retried',
  pause: 'paused',
  resume: 'resumed',
  delete: 'deleted',
};

/** A filter as `POST /tasks/actions` takes it. */
export type ActionFilter = Record<string, string | string[]>;

interface RunningAction {
  task: TaskView;
  action: CommandName;
  onEnd?(): void;
}

/**
 * Actions that run. They belong to the whole page and to no list: a list may lose the row that
 * started one, or be left, before the action has ended.
 */
const running = signal<readonly RunningAction[]>([]);

/** Whether an action runs that was started here. */
export const isActionRunning = (): boolean => running.value.length > 0;

/**
 * Starts an action on all that match and shows how far it is, wherever the person goes; `onEnd` is
 * called at its end. False when the person cancels.
 */
export const startAction = async (
  action: CommandName,
  filter: ActionFilter,
  about: string,
  onEnd?: () => void,
): Promise<boolean> => {
  const isDestructive = action === 'delete' || action === 'cancel';
  const verb = `${action[0]?.toUpperCase()}${action.slice(1)}`;
  if (isDestructive && !(await confirm(`${verb} ${about}?`, verb))) return false;
  const task = await post<TaskView>('/tasks/actions', { action, filter });
  running.value = [...running.value, { task, action, ...(onEnd && { onEnd }) }];
  return true;
};

interface Result {
  changed: number;
  skipped: number;
}

const announceEnd = ({ task_id, status, result, error }: TaskView, action: CommandName): void => {
  const href = toHref(`/tasks/${task_id}`);
  const { changed, skipped } = (result ?? { changed: 0, skipped: 0 }) as Result;
  if (status === 'COMPLETED')
    toast(
      `${formatNumber(changed)} ${DONE[action]}${skipped > 0 ? `, ${formatNumber(skipped)} left alone` : ''}`,
      'info',
      href,
    );
  else
    toast(error?.message ?? 'The action was stopped; what it had done stays done', 'error', href);
};

/** How far an action on many has come, pushed by its own stream; it can be aborted. */
const ActionProgress = ({ item }: { item: RunningAction }) => {
  const { task, action } = item;
  const [shown, setShown] = useState(task);
  const [isBusy, act] = useAction();
  useEffect(() => {
    const remove = (): void => {
      running.value = running.value.filter((each) => each !== item);
      item.onEnd?.();
    };
    return watchTask(
      task.task_id,
      (frame) => {
        if (frame.event === 'progress') setShown((before) => ({ ...before, progress: frame }));
        if ((frame.event === 'update' || frame.event === 'snapshot') && 'task' in frame) {
          setShown(frame.task);
          if (!isFinal(frame.task.status)) return;
          announceEnd(frame.task, action);
          remove();
        }
      },
      remove,
    );
  }, [task.task_id]);
  const abort = (): void =>
    act(async () => {
      try {
        await post(`/tasks/${task.task_id}/cancel`);
      } catch (thrown) {
        if (thrown instanceof ApiError && thrown.code === 'task_finished')
          return 'It had ended already';
        throw thrown;
      }
      return undefined;
    });
  return (
    <div class="bulkprogress" role="status">
      <ProgressBar
        fraction={shown.progress?.fraction ?? 0}
        label={`${action}: ${shown.progress?.note ?? 'starting'}`}
      />
      <button class="small" disabled={isBusy} onClick={abort}>
        Abort
      </button>
    </div>
  );
};

/** All actions that run, above whatever page is shown. */
export const RunningActions = () => (
  <>
    {running.value.map((item) => (
      <ActionProgress key={item.task.task_id} item={item} />
    ))}
  </>
);
