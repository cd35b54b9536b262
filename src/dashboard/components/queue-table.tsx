import type * as z from 'zod';
import type { queueSchema } from '../../http/routes/queues.ts';
import { ApiError, get, post } from '../api.ts';
import { formatDuration, formatNumber } from '../format.ts';
import { toHref } from '../router.ts';
import { useAction, useThrottledReload, useQuery } from '../hooks.ts';
import { Age, ErrorNote } from './ui.tsx';

type Queue = z.output<typeof queueSchema>;

/** Queues belong to the whole service: their figures are read less often than the tasks' own. */
const FRESH_MS = 2_000;

const QueueRow = ({ queue, reload }: { queue: Queue; reload(): void }) => {
  const [isBusy, act] = useAction();
  const verb = queue.paused ? 'resume' : 'pause';
  const toggle = (): void =>
    act(async () => {
      await post(`/queues/${queue.name}/${verb}`);
      reload();
      return `${queue.name} ${verb}d`;
    });
  return (
    <tr>
      <th scope="row">
        <a href={toHref(`/queues/${queue.name}`)}>{queue.name}</a>
      </th>
      <td class="num">{formatNumber(queue.waiting)}</td>
      <td class="num">{formatNumber(queue.in_progress)}</td>
      <td class="num wide">{queue.backlog === null ? '–' : formatNumber(queue.backlog)}</td>
      <td class="num wide">{formatDuration(queue.oldest_waiting_seconds)}</td>
      <td>
        {queue.paused ? (
          <span
            class="badge paused"
            title={queue.paused_by === null ? undefined : `by key ${queue.paused_by}`}
          >
            paused <Age at={queue.paused_at} />
          </span>
        ) : (
          <span class="badge open">open</span>
        )}
      </td>
      <td class="num">
        <button
          class="small"
          disabled={isBusy}
          aria-label={`${verb} ${queue.name}`}
          onClick={toggle}
        >
          {queue.paused ? 'Resume' : 'Pause'}
        </button>
      </td>
    </tr>
  );
};

/** All queues, for those who may see them. */
export const QueueTable = ({ only }: { only?: string }) => {
  const { data, error, reload } = useQuery('queues', () => get<{ queues: Queue[] }>('/queues'));
  useThrottledReload(reload, FRESH_MS);
  if (error instanceof ApiError && error.status === 403)
    return (
      <p class="muted">
        Queues are shared by all: their figures need a key with the scope "operator".
      </p>
    );
  if (error) return <ErrorNote error={error} retry={reload} />;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Queues">
      <table>
        <thead>
          <tr>
            <th scope="col">Queue</th>
            <th scope="col" class="num">
              Waiting
            </th>
            <th scope="col" class="num">
              Running
            </th>
            <th scope="col" class="num wide">
              Backlog
            </th>
            <th scope="col" class="num wide">
              Oldest
            </th>
            <th scope="col">State</th>
            <th scope="col">
              <span class="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {data?.queues
            .filter(({ name }) => only === undefined || name === only)
            .map((queue) => (
              <QueueRow key={queue.name} queue={queue} reload={reload} />
            ))}
        </tbody>
      </table>
    </div>
  );
};
