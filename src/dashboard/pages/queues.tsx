import { Card, PageHead } from '../components/ui.tsx';
import { QueueTable } from '../components/queue-table.tsx';

export const QueuesPage = () => (
  <>
    <PageHead title="Queues" />
    <Card title="Lanes and priorities">
      <p class="muted">
        A queue is a lane and a priority. While it is paused, tasks are accepted and wait; those
        that run go on. The backlog is messages, each of up to a hundred tasks, as the platform
        reports them: it may lag behind.
      </p>
      <QueueTable />
    </Card>
  </>
);
