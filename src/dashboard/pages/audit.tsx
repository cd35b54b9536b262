import type * as z from 'zod';
import type { auditListSchema } from '../../http/routes/audit.ts';
import { ApiError, get } from '../api.ts';
import { formatClock } from '../format.ts';
import { toHref, route } from '../router.ts';
import { Age, Card, Empty, ErrorNote, PageHead } from '../components/ui.tsx';
import { useQuery } from '../hooks.ts';

const PAGE_SIZE = 50;

type AuditList = z.output<typeof auditListSchema>;

const DONE: Record<AuditList['entries'][number]['action'], string> = {
  'key.created': 'made the key',
  'key.rotated': 'rotated the key',
  'key.revoked': 'revoked the key',
  'queue.paused': 'paused the queue',
  'queue.resumed': 'resumed the queue',
  'tasks.purged': 'purged all tasks:',
  'owner.erased': 'erased the owner',
  'owner.moved': 'moved the owner',
  'webhook_secret.rotated': 'rotated the webhook secret',
  'task_type.registered': 'registered the type',
  'task_type.deleted': 'deleted the type',
  'task_type.paused': 'paused the type',
  'task_type.resumed': 'resumed the type',
  'task_type.secret_rotated': 'rotated the secret of the type',
  'schedule.created': 'created the schedule',
  'schedule.changed': 'changed the schedule',
  'schedule.paused': 'paused the schedule',
  'schedule.resumed': 'resumed the schedule',
  'schedule.deleted': 'deleted the schedule',
  'limit.changed': 'changed the limit',
  'limit.deleted': 'deleted the limit',
  'limit.paused': 'paused the limit',
  'limit.resumed': 'resumed the limit',
};

const Row = ({ entry }: { entry: AuditList['entries'][number] }) => (
  <tr>
    <td data-label="When" title={formatClock(entry.at)}>
      <Age at={entry.at} />
    </td>
    <td data-label="Key">
      {entry.key_id === null ? (
        'this machine'
      ) : (
        <code title={entry.key_id}>{entry.key_id.slice(-8)}</code>
      )}
    </td>
    <td data-label="What">
      {DONE[entry.action]} {entry.subject !== null && <code>{entry.subject}</code>}
    </td>
    <td data-label="Owner">{entry.owner}</td>
    <td data-label="From">{entry.ip ?? '–'}</td>
  </tr>
);

/** Who did what to keys, queues and owners, for admins. */
export const AuditPage = () => {
  const cursor = route.value.query.get('cursor');
  const { data, error, reload } = useQuery(`audit ${cursor ?? ''}`, () =>
    get<AuditList>(`/audit?page_size=${PAGE_SIZE}${cursor === null ? '' : `&cursor=${cursor}`}`),
  );
  if (error instanceof ApiError && error.status === 403)
    return <Empty>The audit log is for keys with the scope "admin".</Empty>;
  const next = data?.pagination.next_cursor ?? null;
  return (
    <>
      <PageHead title="Audit" />
      {error && <ErrorNote error={error} retry={reload} />}
      <Card title="Who did what, and from where">
        {data?.entries.length === 0 && <Empty>Nothing has been done yet.</Empty>}
        {data && data.entries.length > 0 && (
          <div class="scroll" tabIndex={0} role="region" aria-label="Audit log">
            <table class="stacked">
              <thead>
                <tr>
                  <th scope="col">When</th>
                  <th scope="col">Key</th>
                  <th scope="col">What</th>
                  <th scope="col">Owner</th>
                  <th scope="col">From</th>
                </tr>
              </thead>
              <tbody>
                {data.entries.map((entry) => (
                  <Row key={entry.id} entry={entry} />
                ))}
              </tbody>
            </table>
          </div>
        )}
        <div class="row end">
          {cursor !== null && (
            <a class="button small" href={toHref('/audit')}>
              Newest
            </a>
          )}
          {next !== null && (
            <a class="button small" href={toHref('/audit', { cursor: next })}>
              Older
            </a>
          )}
        </div>
      </Card>
    </>
  );
};
