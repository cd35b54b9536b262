import type * as z from 'zod';
import type { errorGroupsSchema } from '../../http/routes/errors.ts';
import { get, post } from '../api.ts';
import { formatNumber } from '../format.ts';
import { replaceQuery, route, toHref } from '../router.ts';
import { isActionRunning, startAction } from '../components/bulk.tsx';
import { confirm } from '../components/confirm.tsx';
import { Sparkline } from '../components/sparkline.tsx';
import { Age, Card, Empty, ErrorNote, PageHead, Segmented, Skeleton } from '../components/ui.tsx';
import { useAction, useQuery, useThrottledReload } from '../hooks.ts';

type Group = z.output<typeof errorGroupsSchema>['groups'][number];

const FRESH_MS = 2_000;
const WINDOWS = { all: 'All', '1h': '1 h', '24h': '24 h', '7d': '7 d' };
const HOURS: Record<string, number> = { '1h': 1, '24h': 24, '7d': 168 };
/** More are not sent again without a question. */
const MANY = 20;

/** What the page is limited to, as the API's query and as a filter of actions. */
const readLimits = (): Record<string, string> => {
  const { query } = route.value;
  const hours = HOURS[query.get('window') ?? ''];
  // To the minute, so that the same window is the same question.
  const minute = Math.floor(Date.now() / 60_000) * 60_000;
  return {
    ...(hours !== undefined && {
      submitted_after: new Date(minute - hours * 3_600_000).toISOString(),
    }),
    ...(query.get('tag') && { tag: query.get('tag') ?? '' }),
    ...(query.get('type') && { type: query.get('type') ?? '' }),
  };
};

const toFilter = ({ type, message }: Group): Record<string, string> => ({
  ...readLimits(),
  status: 'FAILED',
  type,
  ...(message !== null && message !== '' && { error: message }),
});

const GroupRow = ({ group, reload }: { group: Group; reload(): void }) => {
  const [isBusy, act] = useAction();
  const retry = (): void =>
    act(async () => {
      const question = `Retry ${formatNumber(group.tasks)} tasks of ${group.type}?`;
      if (group.tasks > MANY && !(await confirm(question, 'Retry'))) return undefined;
      await startAction('retry', toFilter(group), 'the group', reload);
      return undefined;
    });
  const mute = (): void =>
    act(async () => {
      await post(`/errors/${group.fingerprint}/${group.muted ? 'unmute' : 'mute'}`);
      reload();
      return group.muted ? 'Shown again' : 'Muted until it happens again';
    });
  return (
    <li class="group">
      <div class="grow">
        <div class="row">
          <a href={toHref(`/types/${group.type}`)}>
            <strong>{group.type}</strong>
          </a>
          <code>{group.code ?? 'unknown'}</code>
        </div>
        <p class="message" title={group.example ?? ''}>
          {group.message ?? 'No message'}
        </p>
        <p class="muted">
          last <Age at={group.last_at} />, first <Age at={group.first_at} />
        </p>
      </div>
      <Sparkline
        values={group.trend ?? []}
        color="--failed"
        label={`Failures of ${group.type} over time`}
      />
      <div class="row end">
        <span class="count">{formatNumber(group.tasks)} ×</span>
        <a class="button small" href={toHref(`/tasks/${group.newest_task_id}`)}>
          Newest
        </a>
        <a class="button small" href={toHref('/tasks', toFilter(group))}>
          All
        </a>
        <button class="small" disabled={isBusy} onClick={mute}>
          {group.muted ? 'Unmute' : 'Mute'}
        </button>
        <button class="small primary" disabled={isBusy || isActionRunning()} onClick={retry}>
          Retry all
        </button>
      </div>
    </li>
  );
};

const Groups = ({ groups, reload }: { groups: readonly Group[]; reload(): void }) => (
  <ul class="groups">
    {groups.map((group) => (
      <GroupRow
        key={`${group.fingerprint} ${group.type} ${group.message}`}
        group={group}
        reload={reload}
      />
    ))}
  </ul>
);

/** Failures, grouped by what they have in common. */
export const ErrorsPage = () => {
  const limits = new URLSearchParams(readLimits()).toString();
  const path = limits === '' ? '/errors' : `/errors?${limits}`;
  const { data, error, readAt, reload } = useQuery(path, () => get<{ groups: Group[] }>(path));
  useThrottledReload(reload, FRESH_MS);
  const { query } = route.value;
  const set = (name: string, value: string): void => {
    const changed = new URLSearchParams(query);
    if (value === '' || value === 'all') changed.delete(name);
    else changed.set(name, value);
    replaceQuery(changed);
  };
  const muted = data?.groups.filter((group) => group.muted) ?? [];
  const shown = data?.groups.filter((group) => !group.muted) ?? [];
  return (
    <>
      <PageHead title="Errors">
        <input
          class="short"
          aria-label="Tag"
          placeholder="tag"
          value={query.get('tag') ?? ''}
          onChange={(event) => set('tag', event.currentTarget.value.trim())}
        />
        <Segmented
          label="Window"
          values={WINDOWS}
          value={(query.get('window') ?? 'all') as keyof typeof WINDOWS}
          onChange={(window) => set('window', window)}
        />
      </PageHead>
      {error && <ErrorNote error={error} readAt={readAt} retry={reload} />}
      <Card title="Failed tasks, by type and message">
        {!data && !error && <Skeleton rows={6} />}
        {data && shown.length === 0 && (
          <Empty>{muted.length > 0 ? 'Nothing but what is muted.' : 'Nothing has failed.'}</Empty>
        )}
        <Groups groups={shown} reload={reload} />
      </Card>
      {muted.length > 0 && (
        <details>
          <summary>{muted.length} muted</summary>
          <Groups groups={muted} reload={reload} />
        </details>
      )}
    </>
  );
};
