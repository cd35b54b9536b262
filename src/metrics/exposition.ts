import { BOUNDS, countObservations, sumObservations } from './histogram.ts';
import { formatSeries, type MetricsSnapshot } from './snapshot.ts';

/** All that `/metrics` tells, in the order of its text. */
const METRICS = {
  tasker_tasks_submitted_total: { type: 'counter', help: 'Tasks that were accepted' },
  tasker_task_executions_total: { type: 'counter', help: 'Attempts that ended, by outcome' },
  tasker_task_execution_duration_seconds: {
    type: 'histogram',
    help: 'From the claim of an attempt to its recorded end',
  },
  tasker_task_wait_seconds: {
    type: 'histogram',
    help: 'From the moment a task was due to the claim of its attempt',
  },
  tasker_cache_hits_total: { type: 'counter', help: 'Outputs that the cache had' },
  tasker_cache_misses_total: { type: 'counter', help: 'Outputs that it had not' },
  tasker_external_api_requests_total: {
    type: 'counter',
    help: 'Requests to providers, by HTTP status, or "unreachable"',
  },
  tasker_notifications_total: {
    type: 'counter',
    help: 'Tries to notify, by sink and outcome: delivered, failed (it is tried again) or given_up',
  },
  tasker_schedule_firings_total: {
    type: 'counter',
    help: 'Moments of schedules, by outcome: fired, skipped, refused or deferred (it is tried again)',
  },
  tasker_schedule_lateness_seconds: {
    type: 'histogram',
    help: 'From the moment of a schedule to its stored task',
  },
  tasker_tasks_expired_total: {
    type: 'counter',
    help: 'Tasks that were cancelled because they had not begun by expires_in_seconds',
  },
  tasker_flows_submitted_total: { type: 'counter', help: 'Flows that were accepted' },
  tasker_flows_ended_total: { type: 'counter', help: 'Flows that ended, by status' },
  tasker_unique_conflicts_total: {
    type: 'counter',
    help: 'Submits whose unique key another task had, by outcome: returned, replaced or refused',
  },
  tasker_tasks: { type: 'gauge', help: 'Tasks by status; of each at most 10000 are counted' },
  tasker_queue_backlog: {
    type: 'gauge',
    help: 'Messages that a queue holds, as the platform reports it',
  },
  tasker_queue_waiting: {
    type: 'gauge',
    help: 'Tasks that wait for a queue, paused or not; at most 10000 are counted',
  },
  tasker_queue_oldest_waiting_seconds: {
    type: 'gauge',
    help: 'How long the oldest task that is due waits for a queue, paused or not',
  },
  tasker_limits_waiting: {
    type: 'gauge',
    help: 'Tasks that wait for limits, of all owners; at most 10000 are counted',
  },
  tasker_queue_paused: { type: 'gauge', help: '1 while a queue is paused' },
  tasker_board_subscribers: { type: 'gauge', help: 'Open live streams' },
  tasker_notifications_open: {
    type: 'gauge',
    help: 'Notifications that are owed; at most 10000 are counted',
  },
  tasker_database_bytes: { type: 'gauge', help: 'How large the databases are, in all' },
  tasker_shard_bytes: { type: 'gauge', help: 'How large each of several databases is' },
  tasker_database_limit_bytes: { type: 'gauge', help: 'How large it may be' },
} as const satisfies Record<string, { type: 'counter' | 'gauge' | 'histogram'; help: string }>;
export type Metric = keyof typeof METRICS;

/** One value of a gauge. */
export interface Gauge {
  metric: Metric;
  labels: Record<string, string>;
  value: number;
}

const addLabel = (series: string, suffix: string, label: string): string => {
  const [name = '', labels = ''] = series.split('{');
  const inner = [labels.replace(/\}$/, ''), label].filter((part) => part !== '').join(',');
  return `${name}${suffix}${inner === '' ? '' : `{${inner}}`}`;
};

const formatHistogram = (series: string, histogram: number[]): string[] => {
  let below = 0;
  const buckets = BOUNDS.map((bound, i) => {
    below += histogram[i] ?? 0;
    return `${addLabel(series, '_bucket', `le="${bound}"`)} ${below}`;
  });
  const count = countObservations(histogram);
  return [
    ...buckets,
    `${addLabel(series, '_bucket', 'le="+Inf"')} ${count}`,
    `${addLabel(series, '_sum', '')} ${Number(sumObservations(histogram).toFixed(6))}`,
    `${addLabel(series, '_count', '')} ${count}`,
  ];
};

/**
 * The text format 0.0.4 of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export const formatExposition = (
  { counters, histograms }: Omit<MetricsSnapshot, 'figures'>,
  gauges: readonly Gauge[],
): string => {
  const belongsTo = (metric: string) => (series: string) => series.split('{')[0] === metric;
  const readLines: Record<'counter' | 'gauge' | 'histogram', (metric: string) => string[]> = {
    counter: (metric) =>
      Object.keys(counters)
        .filter(belongsTo(metric))
        .toSorted()
        .map((series) => `${series} ${counters[series]}`),
    histogram: (metric) =>
      Object.keys(histograms)
        .filter(belongsTo(metric))
        .toSorted()
        .flatMap((series) => formatHistogram(series, histograms[series] ?? [])),
    gauge: (metric) =>
      gauges
        .filter((gauge) => gauge.metric === metric)
        .map(({ labels, value }) => `${formatSeries(metric, labels)} ${value}`),
  };
  const blocks = Object.entries(METRICS).flatMap(([metric, { type, help }]) => {
    const lines = readLines[type](metric);
    return lines.length > 0
      ? [`# HELP ${metric} ${help}`, `# TYPE ${metric} ${type}`, ...lines]
      : [];
  });
  return `${blocks.join('\n')}\n`;
};
