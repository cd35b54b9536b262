import type * as z from 'zod';
import { REFUSE_PART, WARN_PART } from '../../domain/database-limit.ts';
import type { healthSchema } from '../../http/routes/health.ts';
import type { queueSchema } from '../../http/routes/queues.ts';
import { get, identity, may, post } from '../api.ts';
import { useAction, useNow, useQuery } from '../hooks.ts';
import { toHref } from '../router.ts';
import { Age } from './ui.tsx';

const LOOK_EVERY_MS = 15_000;

type Queue = z.output<typeof queueSchema>;

/** A queue that holds its tasks back, and the way out. */
const PausedQueue = ({ queue, reload }: { queue: Queue; reload(): void }) => {
  const [isBusy, act] = useAction();
  const resume = (): void =>
    act(async () => {
      await post(`/queues/${queue.name}/resume`);
      reload();
      return `${queue.name} resumed`;
    });
  return (
    <div class="note warn" role="status">
      <span>
        Queue <a href={toHref(`/queues/${queue.name}`)}>{queue.name}</a> was paused{' '}
        <Age at={queue.paused_at} />
        {queue.paused_by === null ? '' : ` by key ${queue.paused_by}`}: {queue.waiting} tasks wait.
      </span>
      <button
        class="small"
        aria-label={`Resume queue ${queue.name}`}
        disabled={isBusy}
        onClick={resume}
      >
        Resume
      </button>
    </div>
  );
};

/** What an operator should know before all else, on every page; nothing, mostly. */
export const HealthNotes = () => {
  const turn = Math.floor(useNow() / LOOK_EVERY_MS);
  const who = identity.value?.key_id ?? '';
  const { data, reload } = useQuery(`health ${turn} ${who}`, async () => {
    const health = await get<z.output<typeof healthSchema>>('/health');
    const queues =
      health.paused_queues.length > 0 && may('operator')
        ? (await get<{ queues: Queue[] }>('/queues')).queues.filter(({ paused }) => paused)
        : [];
    return { health, queues };
  });
  const used = data?.health.database_used ?? 0;
  const percent = `${Math.floor(used * 100)} %`;
  return (
    <>
      {used >= WARN_PART && (
        <div class={`note ${used >= REFUSE_PART ? 'error' : 'warn'}`} role="status">
          {used >= REFUSE_PART
            ? `The database is full (${percent}): no new tasks are taken. Delete tasks that have ended.`
            : `The database is ${percent} full. At 95 % no new tasks are taken: keep tasks for less long.`}
        </div>
      )}
      {data?.queues.map((queue) => (
        <PausedQueue key={queue.name} queue={queue} reload={reload} />
      ))}
      {data && data.health.paused_queues.length > 0 && !may('operator') && (
        <div class="note warn" role="status">
          Paused by an operator: {data.health.paused_queues.join(', ')}. Tasks in them wait.
        </div>
      )}
    </>
  );
};
