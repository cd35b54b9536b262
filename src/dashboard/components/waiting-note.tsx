import type { WaitingFor } from '../../domain/waiting.ts';
import { may, post } from '../api.ts';
import { formatAge, formatNumber } from '../format.ts';
import { useAction, useNow } from '../hooks.ts';
import { toLimitPath } from '../limits.ts';
import { toHref } from '../router.ts';
import { Age } from './ui.tsx';

/** Why a task does not run, and the way out. */
export const WaitingNote = ({
  waiting,
  type,
  flowHref,
  reload,
}: {
  waiting: WaitingFor;
  type: string;
  /** The page of its flow. */
  flowHref?: string | undefined;
  reload(): void;
}) => {
  const now = useNow();
  const [isBusy, act] = useAction();
  const { reason, expected_at, queue, paused_at, paused_by, waiting: count } = waiting;
  if (reason === 'paused') return null;
  const resume = (): void =>
    act(async () => {
      await post(`/queues/${queue ?? ''}/resume`);
      reload();
      return `${queue ?? ''} resumed`;
    });
  const due = expected_at === null ? '' : formatAge(expected_at, now);
  return (
    <div class="note warn waiting-note" role="status">
      {reason === 'time' && (
        <span>
          Scheduled: it runs <strong>{due}</strong>, <Age at={expected_at} />.
        </span>
      )}
      {reason === 'retry' && (
        <span>
          The last attempt failed: the next one begins <strong>{due}</strong>.
        </span>
      )}
      {reason === 'queue_paused' && (
        <span>
          Queue <a href={toHref(`/queues/${queue ?? ''}`)}>{queue}</a> was paused{' '}
          <Age at={paused_at} />
          {paused_by === null ? '' : ` by key ${paused_by}`}; {formatNumber(count ?? 0)} tasks wait
          there.
        </span>
      )}
      {reason === 'backlog' && (
        <span>
          It waits for its turn in <a href={toHref(`/queues/${queue ?? ''}`)}>{queue}</a>
          {count === null ? '' : `, where ${formatNumber(count)} wait`}.
        </span>
      )}
      {reason === 'worker' && (
        <span>
          It waits for a worker for <a href={toHref(`/types/${type}`)}>{type}</a>. Whether one is
          there, the page of the type tells.
        </span>
      )}
      {reason === 'limit' && waiting.limit && (
        <span>
          It waits for the limit{' '}
          <a href={toHref(toLimitPath(waiting.limit.key))}>{waiting.limit.key}</a>
          {waiting.limit.of !== null &&
            `: ${formatNumber(waiting.limit.running)} of ${formatNumber(waiting.limit.of)} run${
              waiting.limit.sub_key === null ? '' : `, for ${waiting.limit.sub_key}`
            }`}
          . It is number {formatNumber(waiting.limit.position)} in turn
          {expected_at === null ? (
            '.'
          ) : (
            <>
              , and begins about <strong>{due}</strong>.
            </>
          )}
        </span>
      )}
      {reason === 'flow' && (
        <span>
          It waits for others of its <a href={flowHref ?? '#/flows'}>flow</a>
          {waiting.nodes && waiting.nodes.length > 0 && `: ${waiting.nodes.join(', ')}`}.
        </span>
      )}
      {reason === 'person' && <span>It waits for a person to complete it, or to fail it.</span>}
      {reason === 'type_paused' && (
        <span>
          Its type <a href={toHref(`/types/${type}`)}>{type}</a> is paused
          {expected_at === null ? (
            ', until it is resumed.'
          ) : (
            <>
              ; it goes on <strong>{due}</strong>.
            </>
          )}
        </span>
      )}
      {reason === 'queue_paused' && may('operator') && (
        <button class="small" disabled={isBusy} onClick={resume}>
          Resume queue
        </button>
      )}
    </div>
  );
};
