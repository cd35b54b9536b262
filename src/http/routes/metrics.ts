import { Hono } from 'hono';
import { QUEUES } from '../../domain/routing.ts';
import { STATUSES } from '../../domain/words.ts';
import { formatExposition, type Gauge } from '../../metrics/exposition.ts';
import { getAllServices, type Services } from '../../wiring/services.ts';
import { createCounts } from '../../store/counts.ts';
import type { AppEnv } from '../context.ts';
import { docs } from '../middleware/docs.ts';
import { answerHead } from '../middleware/head.ts';
import { scope } from '../middleware/scope.ts';
import { orUnavailable } from '../read-task.ts';

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';

/** How each queue stands: by the table, which a pause does not blind, and by what the broker says. */
const readQueueGauges = async ({ queueStore, taskQueues, now }: Services): Promise<Gauge[]> => {
  const [states, backlogs] = await Promise.all([
    queueStore.list(now()),
    Promise.all(QUEUES.map(async (queue) => ({ queue, ...(await taskQueues.metrics(queue)) }))),
  ]);
  const byTable = states.flatMap(({ name, paused_at, pending, oldest_due_at }): Gauge[] => {
    const labels = { queue: name };
    const seconds = oldest_due_at === null ? 0 : Math.max(0, now() - oldest_due_at) / 1_000;
    return [
      { metric: 'tasker_queue_waiting', labels, value: pending },
      { metric: 'tasker_queue_oldest_waiting_seconds', labels, value: seconds },
      { metric: 'tasker_queue_paused', labels, value: paused_at === null ? 0 : 1 },
    ];
  });
  // A queue that does not answer has no value.
  const byBroker = backlogs
    .filter(({ backlog }) => Number.isFinite(backlog))
    .map(({ queue, backlog }): Gauge => {
      return { metric: 'tasker_queue_backlog', labels: { queue }, value: backlog };
    });
  return [...byTable, ...byBroker];
};

/** The gauges of several shards as those of all: sums, and of ages the oldest. */
const addUp = (shards: readonly Gauge[][]): Gauge[] => {
  const [only] = shards;
  if (only && shards.length === 1) return only;
  const byName = Map.groupBy(shards.flat(), ({ metric, labels }) =>
    JSON.stringify([metric, labels]),
  );
  return [...byName.values()].map((same) => {
    const [first] = same as [Gauge];
    const all = same.map(({ value }) => value);
    // Pauses are read where they are written first.
    if (first.metric === 'tasker_queue_paused') return first;
    const value = HIGHEST.has(first.metric)
      ? Math.max(...all)
      : all.reduce((sum, each) => sum + each, 0);
    return { ...first, value };
  });
};
/** Of the broker, or of the oldest: not to be added up. */
const HIGHEST: ReadonlySet<string> = new Set([
  'tasker_queue_oldest_waiting_seconds',
  'tasker_queue_backlog',
  'tasker_board_subscribers',
  'tasker_database_limit_bytes',
]);

/** How full each of several databases is. */
const toShardGauges = (all: readonly Gauge[][]): Gauge[] =>
  all.length === 1
    ? []
    : all.flatMap((gauges, shard) =>
        gauges
          .filter(({ metric }) => metric === 'tasker_database_bytes')
          .map(({ value }): Gauge => ({
            metric: 'tasker_shard_bytes',
            labels: { shard: String(shard) },
            value,
          })),
      );

/** Gauges of one shard: how things stand, rather than what has happened. */
const readGauges = async (services: Services): Promise<Gauge[]> => {
  const { useStore, metrics, now } = services;
  const counts = useStore(createCounts);
  const [byStatus, { openDeliveries, limited, databaseBytes }, streams, queues] = await Promise.all(
    [
      counts.countOfAll(),
      counts.readTotals(),
      metrics.openStreams(now()),
      readQueueGauges(services),
    ],
  );
  const tasks = STATUSES.map((status): Gauge => {
    return { metric: 'tasker_tasks', labels: { status }, value: byStatus[status] };
  });
  return [
    ...tasks,
    ...queues,
    { metric: 'tasker_limits_waiting', labels: {}, value: limited },
    { metric: 'tasker_board_subscribers', labels: {}, value: streams },
    { metric: 'tasker_notifications_open', labels: {}, value: openDeliveries },
    { metric: 'tasker_database_bytes', labels: {}, value: databaseBytes },
    {
      metric: 'tasker_database_limit_bytes',
      labels: {},
      value: services.settings.DATABASE_LIMIT_BYTES,
    },
  ];
};

/** `/metrics`, for Prometheus. */
export const metricsRoutes = new Hono<AppEnv>().get(
  '/metrics',
  docs({
    id: 'getMetrics',
    tag: 'Operations',
    summary: 'Counters, histograms and gauges of the whole service, for Prometheus',
    answers: { 200: { description: 'Text format 0.0.4', body: 'text/plain' } },
  }),
  scope('metrics:read'),
  answerHead(TEXT),
  async (c) => {
    const services = c.get('services');
    const [totals, gauges] = await orUnavailable(c, () =>
      Promise.all([
        services.metrics.readTotals(),
        Promise.all(getAllServices(c.env).map(readGauges)),
      ]),
    );
    const all = [...addUp(gauges), ...toShardGauges(gauges)];
    return c.body(formatExposition(totals, all), 200, { 'Content-Type': TEXT });
  },
);
