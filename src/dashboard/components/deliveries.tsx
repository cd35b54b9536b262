import type { TaskDetail } from '../../domain/view.ts';
import { post } from '../api.ts';
import { useAction } from '../hooks.ts';
import { Age } from './ui.tsx';

const COLORS = { DELIVERED: 'completed', OPEN: 'pending', GIVEN_UP: 'failed' } as const;

/** What a receiver answers is known by then, mostly. */
const LOOK_AGAIN_MS = 1_500;

/** Who was told of the task's end, or is still to be. */
export const Deliveries = ({ task, reload }: { task: TaskDetail; reload(): void }) => {
  const [isBusy, act] = useAction();
  const retry = (): void =>
    act(async () => {
      await post(`/tasks/${task.task_id}/deliveries/retry`);
      setTimeout(reload, LOOK_AGAIN_MS);
      return 'Sent again';
    });
  const isUndelivered = task.deliveries.some(({ state }) => state !== 'DELIVERED');
  return (
    <>
      <List task={task} />
      {isUndelivered && (
        <div class="row end">
          <button class="small" disabled={isBusy} onClick={retry}>
            Send again
          </button>
        </div>
      )}
    </>
  );
};

const List = ({ task }: { task: TaskDetail }) => (
  <ul class="attempts">
    {task.deliveries.map((each) => (
      <li key={each.id}>
        <span class={`badge ${COLORS[each.state]}`}>
          {each.state.toLowerCase().replace('_', ' ')}
        </span>
        <span>
          {each.sink.replace('_', ' ')} of {each.status.toLowerCase()}, {each.tries}{' '}
          {each.tries === 1 ? 'try' : 'tries'}
          {each.next_try_at !== null && (
            <>
              , next <Age at={each.next_try_at} />
            </>
          )}
        </span>
        {each.sink === 'callback' && <code>{task.callback_url}</code>}
        {each.last_error && <p class="message">{each.last_error}</p>}
      </li>
    ))}
  </ul>
);
