import { Hono } from 'hono';
import { formatExposition, type Gauge } from '../../metrics/exposition.ts';
import { QUEUES } from '../../domain/routing.ts';
import { STATUSES } from '../../domain/task.ts';
import type { Services } from '../../wiring/services.ts';
import type { AppEnv } from '../context.ts';
import { describe } from '../openapi/operation.ts';
import { asking } from '../read-task.ts';

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';

/** What is, rather than what has happened. A queue that does not answer has no value. */
const gaugesOf = async ({ counts, taskQueues, metrics, now }: Services): Promise<Gauge[]> => {
  const at = now();
  const [byStatus, notifications, streams, queues] = await Promise.all([
    counts.ofAll(),
    counts.openNotifications(),
    metrics.openStreams(at),
    Promise.all(QUEUES.map(async (queue) => ({ queue, ...(await taskQueues.metrics(queue)) }))),
  ]);
  const known = queues.filter(({ backlog }) => Number.isFinite(backlog));
  return [
    ...STATUSES.map((status): Gauge => ({
      metric: 'tasker_tasks',
      labels: { status },
      value: byStatus[status],
    })),
    ...known.map(({ queue, backlog }): Gauge => ({
      metric: 'tasker_queue_backlog',
      labels: { queue },
      value: backlog,
    })),
    ...known.map(({ queue, oldestAt }): Gauge => ({
      metric: 'tasker_queue_oldest_waiting_seconds',
      labels: { queue },
      value: oldestAt === null ? 0 : Math.max(0, at - oldestAt) / 1_000,
    })),
    { metric: 'tasker_board_subscribers', labels: {}, value: streams },
    { metric: 'tasker_notifications_open', labels: {}, value: notifications },
  ];
};

/** For Prometheus. */
export const metrics = new Hono<AppEnv>().get(
  '/metrics',
  describe({
    id: 'getMetrics',
    access: 'metrics:read',
    tag: 'Around it',
    summary: 'Counters, histograms and gauges of the whole service, for Prometheus',
    answers: { 200: { description: 'Text format 0.0.4', body: 'text/plain' } },
  }),
  async (c) => {
    const services = c.get('services');
    const [totals, gauges] = await asking(c, () =>
      Promise.all([services.metrics.totals(), gaugesOf(services)]),
    );
    return c.body(formatExposition(totals, gauges), 200, { 'Content-Type': TEXT });
  },
);
