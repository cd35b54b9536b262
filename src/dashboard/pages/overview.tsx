import { STATUSES, type Status } from '../../domain/words.ts';
import type * as z from 'zod';
import { useMemo } from 'preact/hooks';
import type { statsSchema } from '../../http/routes/stats.ts';
import { get } from '../api.ts';
import { formatDuration, formatNumber, toWords } from '../format.ts';
import { toHref, replaceQuery, route } from '../router.ts';
import { Card, ErrorNote, PageHead } from '../components/ui.tsx';
import { Chart } from '../components/chart.tsx';
import { HealthNotes } from '../components/health-notes.tsx';
import { QueueTable } from '../components/queue-table.tsx';
import { useThrottledReload, useQuery, useNow } from '../hooks.ts';

type Stats = z.output<typeof statsSchema>;

const WINDOWS = [15, 60, 360, 1_440];
const MINUTE_MS = 60_000;
/** Figures are read again this often at most while things happen. */
const FRESH_MS = 1_000;

const windowName = (minutes: number): string =>
  minutes < 60 ? `${minutes} min` : `${minutes / 60} h`;

/** A point for each minute of the window, quiet ones too. */
const toSeries = (stats: Stats, minutes: number, now: number) => {
  const last = Math.floor(now / MINUTE_MS);
  const known = new Map(
    stats.minutes.map((each) => [Math.floor(Date.parse(each.at) / MINUTE_MS), each]),
  );
  const span = Array.from({ length: minutes }, (_, i) => last - minutes + 1 + i);
  const of = (name: 'completed' | 'failed' | 'submitted'): number[] =>
    span.map((minute) => known.get(minute)?.[name] ?? 0);
  return {
    times: span.map((minute) => minute * 60),
    series: [
      { label: 'submitted', color: '--submitted', values: of('submitted') },
      { label: 'completed', color: '--completed', values: of('completed') },
      { label: 'failed', color: '--failed', values: of('failed') },
    ],
  };
};

const Times = ({ stats }: { stats: Stats }) => (
  <table class="times">
    <thead>
      <tr>
        <th scope="col">
          <span class="hidden">What</span>
        </th>
        <th scope="col">p50</th>
        <th scope="col">p95</th>
        <th scope="col">p99</th>
      </tr>
    </thead>
    <tbody>
      {(
        [
          ['Waited', stats.wait_seconds],
          ['Ran', stats.run_seconds],
        ] as const
      ).map(([name, { p50, p95, p99 }]) => (
        <tr key={name}>
          <th scope="row">{name}</th>
          <td>{formatDuration(p50)}</td>
          <td>{formatDuration(p95)}</td>
          <td>{formatDuration(p99)}</td>
        </tr>
      ))}
    </tbody>
  </table>
);

const Count = ({ status, n, upTo }: { status: Status; n: number; upTo: number }) => (
  <a class={`tile ${status.toLowerCase()}`} href={toHref('/tasks', { status })}>
    <span class="n" data-status={status}>
      {formatNumber(n)}
      {n >= upTo ? '+' : ''}
    </span>
    <span>{toWords(status)}</span>
  </a>
);

/** Counts, throughput, times and queues. */
export const OverviewPage = () => {
  const minutes = WINDOWS.find((each) => String(each) === route.value.query.get('minutes')) ?? 60;
  const { data, error, reload } = useQuery(`stats ${minutes}`, () =>
    get<Stats>(`/stats?minutes=${minutes}`),
  );
  useThrottledReload(reload, FRESH_MS);
  const now = useNow();
  const minute = Math.floor(now / MINUTE_MS);
  const chart = useMemo(
    () => (data ? toSeries(data, minutes, now) : null),
    [data, minutes, minute],
  );
  return (
    <>
      <PageHead title="Overview">
        <div class="segmented" role="group" aria-label="Window">
          {WINDOWS.map((each) => (
            <button
              key={each}
              aria-pressed={each === minutes}
              onClick={() => replaceQuery(new URLSearchParams({ minutes: String(each) }))}
            >
              {windowName(each)}
            </button>
          ))}
        </div>
        <a class="button primary" href="#/new">
          New task
        </a>
      </PageHead>
      <HealthNotes />
      {error && <ErrorNote error={error} retry={reload} />}
      <div class="tiles">
        {STATUSES.map((status) => (
          <Count
            key={status}
            status={status}
            n={data?.counts[status] ?? 0}
            upTo={data?.counted_up_to ?? Infinity}
          />
        ))}
      </div>
      <div class="columns">
        <Card title={`Throughput, per minute, last ${windowName(minutes)}`}>
          {chart && (
            <Chart
              {...chart}
              key={minutes}
              label="Submitted, completed and failed tasks by minute"
            />
          )}
        </Card>
        <Card title="How long">
          {data && <Times stats={data} />}
          <p class="muted">
            Oldest waiting: <strong>{formatDuration(data?.oldest_waiting_seconds ?? null)}</strong>
          </p>
        </Card>
      </div>
      <Card title="Queues">
        <QueueTable />
      </Card>
    </>
  );
};
