import { useMemo } from 'preact/hooks';
import { Card, Empty, ErrorNote, PageHead, Segmented, Skeleton } from '../components/ui.tsx';
import { Chart } from '../components/chart.tsx';
import { FigureTable } from '../components/figure-table.tsx';
import { LatencyChart } from '../components/latency-chart.tsx';
import { QueueTable } from '../components/queue-table.tsx';
import { chooseWindow, readWindow, toThroughput, useFigures, WINDOWS } from '../figures.ts';
import { toHref } from '../router.ts';

/** One queue: how it stands, and how its tasks went. */
export const QueuePage = ({ id }: { id: string }) => {
  const window = readWindow('24h');
  const { data: byQueue, error, readAt, reload } = useFigures(window, 'queue', { queue: id });
  const { data: byType } = useFigures(window, 'type', { queue: id });
  const [group] = byQueue?.groups ?? [];
  const chart = useMemo(() => (byQueue ? toThroughput(byQueue) : null), [byQueue]);
  return (
    <>
      <PageHead title={id}>
        <Segmented label="Window" values={WINDOWS} value={window} onChange={chooseWindow} />
        <a class="button" href={toHref('/tasks', { queue: id })}>
          Its tasks
        </a>
      </PageHead>
      {error && <ErrorNote error={error} readAt={readAt} retry={reload} />}
      <Card title="As it stands">
        <QueueTable only={id} />
      </Card>
      <div class="columns even">
        <Card title={`How long tasks waited, last ${WINDOWS[window]}`}>
          {!byQueue && <Skeleton />}
          {byQueue && !group && <Empty>Nothing waited in this time.</Empty>}
          {byQueue && group && (
            <LatencyChart key={window} stats={byQueue} group={group} what="wait_seconds" />
          )}
        </Card>
        <Card title="Throughput">
          {chart ? (
            <Chart key={window} {...chart} label="Tasks of this queue over time" />
          ) : (
            <Skeleton />
          )}
        </Card>
      </div>
      <Card title="By type">
        {byType ? <FigureTable stats={byType} noun="type" /> : <Skeleton />}
      </Card>
    </>
  );
};
