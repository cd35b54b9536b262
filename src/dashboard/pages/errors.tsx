import type * as z from 'zod';
import type { errorGroupsSchema } from '../../http/routes/errors.ts';
import { get } from '../api.ts';
import { formatNumber } from '../format.ts';
import { toHref } from '../router.ts';
import { Age, Card, Empty, ErrorNote, PageHead } from '../components/ui.tsx';
import { isActionRunning, startAction } from '../components/bulk.tsx';
import { useAction, useThrottledReload, useQuery } from '../hooks.ts';

type Group = z.output<typeof errorGroupsSchema>['groups'][number];

const FRESH_MS = 2_000;

const toFilter = ({ type, message }: Group) => ({
  status: 'FAILED',
  type,
  ...(message !== null && message !== '' && { error: message }),
});

interface GroupRowProps {
  group: Group;
  reload(): void;
}

const GroupRow = ({ group, reload }: GroupRowProps) => {
  const [isBusy, act] = useAction();
  const retry = (): void =>
    act(async () => {
      await startAction('retry', toFilter(group), 'the group', reload);
      return undefined;
    });
  return (
    <li class="group">
      <div class="grow">
        <div class="row">
          <strong>{group.type}</strong>
          <code>{group.code ?? 'unknown'}</code>
        </div>
        <p class="message">{group.message ?? 'No message'}</p>
        <p class="muted">
          last <Age at={group.last_at} />, first <Age at={group.first_at} />
        </p>
      </div>
      <div class="row end">
        <span class="count">{formatNumber(group.tasks)} ×</span>
        <a class="button small" href={toHref(`/tasks/${group.newest_task_id}`)}>
          Newest
        </a>
        <a class="button small" href={toHref('/tasks', toFilter(group))}>
          All
        </a>
        <button class="small primary" disabled={isBusy || isActionRunning()} onClick={retry}>
          Retry all
        </button>
      </div>
    </li>
  );
};

/** Failures, grouped by type and message. */
export const ErrorsPage = () => {
  const { data, error, reload } = useQuery('errors', () => get<{ groups: Group[] }>('/errors'));
  useThrottledReload(reload, FRESH_MS);
  return (
    <>
      <PageHead title="Errors" />
      {error && <ErrorNote error={error} retry={reload} />}
      <Card title="Failed tasks, by type and message">
        {data?.groups.length === 0 && <Empty>Nothing has failed.</Empty>}
        <ul class="groups">
          {data?.groups.map((group) => (
            <GroupRow
              key={`${group.type} ${group.code} ${group.message}`}
              group={group}
              reload={reload}
            />
          ))}
        </ul>
      </Card>
    </>
  );
};
