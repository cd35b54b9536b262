import type * as z from 'zod';
import { useMemo } from 'preact/hooks';
import { STATUSES, type Status } from '../../domain/words.ts';
import type { errorGroupsSchema } from '../../http/routes/errors.ts';
import { get } from '../api.ts';
import { formatDuration, formatNumber, toWords } from '../format.ts';
import {
  chooseWindow,
  formatRate,
  readWindow,
  sumSteps,
  toFailureRate,
  toThroughput,
  useFigures,
  WINDOWS,
  type Stats,
} from '../figures.ts';
import { toHref } from '../router.ts';
import { Age, Card, ErrorNote, PageHead, Segmented, Skeleton } from '../components/ui.tsx';
import { Chart } from '../components/chart.tsx';
import { FigureTable } from '../components/figure-table.tsx';
import { QueueTable } from '../components/queue-table.tsx';
import { Sparkline } from '../components/sparkline.tsx';
import { useQuery } from '../hooks.ts';

type Group = z.output<typeof errorGroupsSchema>['groups'][number];

/** A queue that is this far behind needs somebody. */
const OVERDUE_SECONDS = 60;
const HOURS: Record<keyof typeof WINDOWS, number> = {
  '1h': 1,
  '24h': 24,
  '7d': 168,
  '30d': 720,
  '90d': 2_160,
};

const Count = ({ status, n, upTo }: { status: Status; n: number | undefined; upTo: number }) => (
  <a class={`tile ${status.toLowerCase()}`} href={toHref('/tasks', { status })}>
    <span class="n" data-status={status}>
      {n === undefined ? '·' : formatNumber(n)}
      {(n ?? 0) >= upTo ? '+' : ''}
    </span>
    <span>{status === 'NEW' ? 'scheduled' : toWords(status)}</span>
  </a>
);

/** A figure of the window, how it went, and whether the second half had more than the first. */
const Trend = ({
  name,
  value,
  values,
  color,
}: {
  name: string;
  value: string;
  values: number[];
  color: string;
}) => {
  const half = Math.floor(values.length / 2);
  const sum = (part: number[]): number => part.reduce((total, n) => total + n, 0);
  const [before, after] = [sum(values.slice(0, half)), sum(values.slice(-half))];
  const change = before === 0 ? null : Math.round(((after - before) / before) * 100);
  return (
    <div class="trend">
      <span class="muted">{name}</span>
      <span class="n">{value}</span>
      <Sparkline values={values} color={color} label={`${name} over time`} />
      <span class="muted">
        {change === null ? ' ' : `${change > 0 ? '+' : ''}${change} % in the second half`}
      </span>
    </div>
  );
};

/** What somebody should look at first; nothing, on a good day. */
const Attention = ({ stats, since }: { stats: Stats; since: string }) => {
  const query = new URLSearchParams({ submitted_after: since }).toString();
  const { data } = useQuery(`errors ${query.slice(0, 40)}`, () =>
    get<{ groups: Group[] }>(`/errors?${query}`),
  );
  const fresh = data?.groups.filter(({ muted, first_at }) => !muted && first_at >= since) ?? [];
  const slower = stats.groups.filter(({ slower_since }) => slower_since !== null);
  const overdue = (stats.oldest_waiting_seconds ?? 0) > OVERDUE_SECONDS;
  if (fresh.length === 0 && slower.length === 0 && !overdue) return null;
  return (
    <Card title="Needs attention">
      <ul class="attention">
        {overdue && (
          <li>
            <span class="badge pending">overdue</span>
            <span>
              The oldest task has waited for {formatDuration(stats.oldest_waiting_seconds)}.{' '}
              <a href={toHref('/tasks', { status: 'PENDING' })}>What waits</a>
            </span>
          </li>
        )}
        {slower.map(({ key, slower_since, run_seconds }) => (
          <li key={key}>
            <span class="badge pending">slower</span>
            <span>
              <a href={toHref(`/types/${key ?? ''}`)}>{key}</a> takes longer since{' '}
              <Age at={slower_since} />: p95 is {formatDuration(run_seconds.p95)}
            </span>
          </li>
        ))}
        {fresh.slice(0, 3).map((group) => (
          <li key={group.fingerprint}>
            <span class="badge failed">failing</span>
            <span>
              <a href={toHref('/errors')}>
                {formatNumber(group.tasks)} × {group.type}
              </a>{' '}
              {group.message ?? group.code ?? 'unknown'}, first <Age at={group.first_at} />
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
};

/** What needs attention, how it went, and how everything stands. */
export const OverviewPage = () => {
  const window = readWindow('1h');
  const { data, error, readAt, reload } = useFigures(window, 'type');
  const chart = useMemo(() => (data ? toThroughput(data) : null), [data]);
  const since = useMemo(
    () => new Date(Date.now() - HOURS[window] * 3_600_000).toISOString(),
    [window],
  );
  const total = (name: 'submitted' | 'completed' | 'failed'): number =>
    data?.groups.reduce((sum, group) => sum + group[name], 0) ?? 0;
  return (
    <>
      <PageHead title="Overview">
        <Segmented label="Window" values={WINDOWS} value={window} onChange={chooseWindow} />
        <a class="button primary" href="#/new">
          New task
        </a>
      </PageHead>
      {error && <ErrorNote error={error} readAt={readAt} retry={reload} />}
      {data && <Attention key={window} stats={data} since={since} />}
      <div class="tiles">
        {STATUSES.map((status) => (
          <Count
            key={status}
            status={status}
            n={data?.counts[status]}
            upTo={data?.counted_up_to ?? Infinity}
          />
        ))}
      </div>
      <Card title={`Throughput, last ${WINDOWS[window]}`}>
        {data ? (
          <div class="trends">
            <Trend
              name="Submitted"
              value={formatNumber(total('submitted'))}
              values={sumSteps(data, 'submitted')}
              color="--submitted"
            />
            <Trend
              name="Completed"
              value={formatNumber(total('completed'))}
              values={sumSteps(data, 'completed')}
              color="--completed"
            />
            <Trend
              name="Failure rate"
              value={formatRate(
                toFailureRate({ completed: total('completed'), failed: total('failed') }),
              )}
              values={sumSteps(data, 'failed')}
              color="--failed"
            />
            <div class="trend">
              <span class="muted">Waited, p95</span>
              <span class="n">{formatDuration(data.wait_seconds.p95)}</span>
              <span class="muted">half within {formatDuration(data.wait_seconds.p50)}</span>
            </div>
            <div class="trend">
              <span class="muted">Ran, p95</span>
              <span class="n">{formatDuration(data.run_seconds.p95)}</span>
              <span class="muted">half within {formatDuration(data.run_seconds.p50)}</span>
            </div>
          </div>
        ) : (
          <Skeleton />
        )}
        {chart && (
          <Chart {...chart} key={window} label="Submitted, completed and failed tasks over time" />
        )}
      </Card>
      <Card title="By type">{data ? <FigureTable stats={data} noun="type" /> : <Skeleton />}</Card>
      <Card title="Queues">
        <QueueTable />
      </Card>
    </>
  );
};
