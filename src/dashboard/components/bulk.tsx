import { isFinal } from '../../domain/words.ts';
import type { CommandName } from '../../domain/lifecycle.ts';
import { useEffect, useState } from 'preact/hooks';
import type { TaskView } from '../../domain/view.ts';
import { ApiError, post } from '../api.ts';
import { formatNumber } from '../format.ts';
import { watchTask } from '../live.ts';
import { useAction } from '../hooks.ts';
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

/** Starts an action on all that match; null when the person cancels. */
export const startAction = async (
  action: CommandName,
  filter: ActionFilter,
  about: string,
): Promise<TaskView | null> => {
  const isDestructive = action === 'delete' || action === 'cancel';
  const verb = `${action[0]?.toUpperCase()}${action.slice(1)}`;
  if (isDestructive && !(await confirm(`${verb} ${about}?`, verb))) return null;
  return post<TaskView>('/tasks/actions', { action, filter });
};

interface Result {
  changed: number;
  skipped: number;
}

/** How far an action on many has come, pushed by its own stream; it can be aborted. */
export const BulkProgress = ({
  task,
  action,
  onEnd,
}: {
  task: TaskView;
  action: CommandName;
  onEnd(): void;
}) => {
  const [shown, setShown] = useState(task);
  const [isBusy, act] = useAction();
  useEffect(() => {
    const finish = (end: TaskView): void => {
      const { changed, skipped } = (end.result ?? { changed: 0, skipped: 0 }) as Result;
      if (end.status === 'COMPLETED')
        toast(
          `${formatNumber(changed)} ${DONE[action]}${skipped > 0 ? `, ${formatNumber(skipped)} left alone` : ''}`,
        );
      else
        toast(end.error?.message ?? 'The action was stopped; what it had done stays done', 'error');
      onEnd();
    };
    return watchTask(task.task_id, (frame) => {
      if (frame.event === 'progress') setShown((before) => ({ ...before, progress: frame }));
      if ((frame.event === 'update' || frame.event === 'snapshot') && 'task' in frame) {
        setShown(frame.task);
        if (isFinal(frame.task.status)) finish(frame.task);
      }
    });
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
