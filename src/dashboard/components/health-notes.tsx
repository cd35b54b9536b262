import type * as z from 'zod';
import { REFUSE_PART, WARN_PART } from '../../domain/database-limit.ts';
import type { healthSchema } from '../../http/routes/health.ts';
import { get } from '../api.ts';
import { useNow, useQuery } from '../hooks.ts';

const MINUTE_MS = 60_000;

/** What an operator should know before all else; nothing, mostly. */
export const HealthNotes = () => {
  const minute = Math.floor(useNow() / MINUTE_MS);
  const { data } = useQuery(`health ${minute}`, () =>
    get<z.output<typeof healthSchema>>('/health'),
  );
  const used = data?.database_used ?? 0;
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
      {(data?.paused_queues.length ?? 0) > 0 && (
        <div class="note warn" role="status">
          <span>
            Paused: {data?.paused_queues.join(', ')}. <a href="#/queues">Resume</a>
          </span>
        </div>
      )}
    </>
  );
};
