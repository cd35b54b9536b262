import type { ScheduleAnswer } from '../schedules.ts';
import type { TaskView } from '../../domain/view.ts';
import { api, may, post } from '../api.ts';
import { useAction } from '../hooks.ts';
import { go, toHref } from '../router.ts';
import { confirm } from './confirm.tsx';
import { toast } from './toast.tsx';

export const mayWriteSchedules = (): boolean => may('schedules:write') || may('admin');

/** What can be done with a schedule. */
export const ScheduleActions = ({
  schedule,
  reload,
  isShort = false,
}: {
  schedule: ScheduleAnswer;
  reload(): void;
  /** Without what the list has no room for. */
  isShort?: boolean;
}) => {
  const [isBusy, act] = useAction();
  if (!mayWriteSchedules()) return null;
  const { schedule_id: id, name, status } = schedule;
  const path = `/schedules/${id}`;
  const command = (verb: 'pause' | 'resume'): void =>
    act(async () => {
      await post(`${path}/${verb}`);
      reload();
      return verb === 'pause' ? `${name} is paused` : `${name} goes on`;
    });
  const run = (): void =>
    act(async () => {
      const task = await post<TaskView>(`${path}/trigger`);
      toast(`${name} was submitted`, 'info', toHref(`/tasks/${task.task_id}`));
      reload();
      return undefined;
    });
  const remove = (): void =>
    act(async () => {
      if (!(await confirm(`Delete the schedule ${name}? Its tasks stay.`, 'Delete')))
        return undefined;
      await api('DELETE', path);
      go('/schedules');
      return `${name} is deleted`;
    });
  return (
    <div class="row">
      <button class={isShort ? 'small' : ''} disabled={isBusy} onClick={run}>
        Run now
      </button>
      {status === 'paused' ? (
        <button
          class={isShort ? 'small' : 'primary'}
          disabled={isBusy}
          onClick={() => command('resume')}
        >
          Resume
        </button>
      ) : (
        <button class={isShort ? 'small' : ''} disabled={isBusy} onClick={() => command('pause')}>
          Pause
        </button>
      )}
      {!isShort && (
        <>
          <a class="button" href={toHref('/new-schedule', { schedule: id })}>
            Change
          </a>
          <button class="danger" disabled={isBusy} onClick={remove}>
            Delete
          </button>
        </>
      )}
    </div>
  );
};
