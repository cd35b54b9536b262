import type { TaskDetail } from '../../domain/view.ts';
import { Age } from './ui.tsx';

const COLORS = { DELIVERED: 'completed', OPEN: 'pending', GIVEN_UP: 'failed' } as const;

/** Who was told of the task's end, or is still to be. */
export const Deliveries = ({ task }: { task: TaskDetail }) => (
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
