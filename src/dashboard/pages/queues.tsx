import { Card, ErrorNote, PageHead, Segmented, Skeleton } from '../components/ui.tsx';
import { FigureTable } from '../components/figure-table.tsx';
import { QueueTable } from '../components/queue-table.tsx';
import { chooseWindow, readWindow, useFigures, WINDOWS } from '../figures.ts';

export const QueuesPage = () => {
  const window = readWindow('24h');
  const { data, error, readAt, reload } = useFigures(window, 'queue');
  return (
    <>
      <PageHead title="Queues">
        <Segmented label="Window" values={WINDOWS} value={window} onChange={chooseWindow} />
      </PageHead>
      {error && <ErrorNote error={error} readAt={readAt} retry={reload} />}
      <Card title="As they stand">
        <p class="muted">
          A queue is a lane and a priority. While it is paused, tasks are accepted and wait; those
          that run go on. The backlog is messages, each of up to a hundred tasks, as the platform
          reports them: it may lag behind.
        </p>
        <QueueTable />
      </Card>
      <Card title={`Your tasks, last ${WINDOWS[window]}`}>
        {data ? <FigureTable stats={data} noun="queue" /> : <Skeleton />}
      </Card>
    </>
  );
};
