import { waitUntil } from 'cloudflare:workers';
import { createCacheListener } from '../cache/listener.ts';
import { createOutputCache } from '../cache/output-cache.ts';
import { createUpstashBackend } from '../cache/upstash.ts';
import { createWorkersCacheBackend } from '../cache/workers-cache.ts';
import { createDeliveryListener } from '../deliveries/listener.ts';
import { createDeliveryQueue } from '../deliveries/queue.ts';
import { createDeliverySender } from '../deliveries/sender.ts';
import { createSecretFinder } from '../deliveries/secrets.ts';
import { createWebhookSender } from '../deliveries/webhook.ts';
import type { CommitListener } from '../domain/commit-listener.ts';
import type { OutgoingRules } from '../domain/outgoing.ts';
import type { DeliverySink, FlowStatus } from '../domain/words.ts';
import type { FiringOutcome } from '../engine/scheduler.ts';
import type { UniqueConflict } from '../engine/unique-tasks.ts';
import { createLogListener } from '../engine/log-listener.ts';
import type { Catalog } from '../handlers/catalog.ts';
import type { CountRequest } from '../handlers/provider-fetch.ts';
import { createBoards } from '../live/boards.ts';
import { createMetricsBuffer } from '../metrics/buffer.ts';
import { createMetricsListener, createSubmitCounter } from '../metrics/listener.ts';
import type { FigureQuery, Group } from '../metrics/series.ts';
import { METRICS_NAME } from '../metrics/metrics.ts';
import type { OwnerStore } from '../store/owners.ts';
import type { Platform } from './platform.ts';

/**
 * What surrounds the engine: the live board, the cache, metrics and deliveries, each of which
 * listens to commits.
 */
export const createLive = (
  platform: Platform,
  catalog: Catalog,
  owners: Pick<OwnerStore, 'get'>,
) => {
  const { env, settings, log, now, wait, isDevelopment } = platform;

  const metricsObject = () => env.METRICS.getByName(METRICS_NAME);
  const buffer = createMetricsBuffer({
    send: async (snapshot) => metricsObject().add(snapshot),
    waitUntil,
    wait,
    now,
    log,
  });
  // Labels come from the catalog alone: strangers choose none of ours.
  const findLabel = (owner: string, type: string): string => {
    const handler = catalog.find(owner, type);
    return handler && !handler.outside ? handler.type : 'other';
  };
  const countRequest: CountRequest = (type, status, duration_ms) => {
    buffer.count('tasker_external_api_requests_total', { task_name: type, status });
    log.debug('provider_request', { task_name: type, status, duration_ms });
  };

  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = settings;
  const backend = url && token ? createUpstashBackend({ url, token }) : createWorkersCacheBackend();
  const countLookup = (isHit: boolean): void =>
    buffer.count(isHit ? 'tasker_cache_hits_total' : 'tasker_cache_misses_total');
  const cache = createOutputCache(backend, { log, now, countLookup });
  const findTtlSeconds = (owner: string, type: string): number =>
    catalog.find(owner, type)?.cacheTtlSeconds ?? settings.CACHE_TTL_SECONDS;

  const boards = createBoards(env.BOARD, log);

  const outgoingRules: OutgoingRules = {
    allowedHosts: isDevelopment ? settings.CALLBACK_HOSTS : [],
  };
  const webhooks = createWebhookSender({
    rules: outgoingRules,
    fetch: platform.fetch,
    now,
  });
  const sendDeliveries = createDeliveryQueue({ queue: env.QUEUE_DELIVERIES, log });
  const failureSinks: DeliverySink[] = [
    ...(settings.FAILURE_WEBHOOK_URL ? ['failure_webhook' as const] : []),
    ...(settings.FAILURE_EMAIL_TO ? ['failure_email' as const] : []),
  ];

  const listeners: CommitListener[] = [
    boards.listener,
    // A cache that only this data centre sees is filled by its readers.
    ...(cache.shared ? [createCacheListener({ cache, findTtlSeconds })] : []),
    createDeliveryListener(sendDeliveries),
    createMetricsListener(buffer, findLabel),
    createLogListener(log),
  ];

  return {
    listeners,
    boards,
    cache,
    findTtlSeconds,
    countRequest,
    outgoingRules,
    deliveries: {
      failureSinks: failureSinks.length > 0 ? JSON.stringify(failureSinks) : null,
      sendToQueue: sendDeliveries,
      sender: createDeliverySender({
        webhooks,
        sendMail: platform.sendMail,
        findSecrets: createSecretFinder({ root: settings.ROOT_SECRET, owners, now }),
        settings,
      }),
      publicUrl: settings.PUBLIC_URL ?? '',
      countTry: (sink: DeliverySink, outcome: string, by = 1): void =>
        buffer.count('tasker_notifications_total', { sink, outcome }, by),
    },
    metrics: {
      countSubmits: createSubmitCounter(buffer, findLabel),
      countFirings: (outcome: FiringOutcome, count: number): void => {
        if (count > 0) buffer.count('tasker_schedule_firings_total', { outcome }, count);
      },
      countConflict: (outcome: UniqueConflict | 'refused'): void =>
        buffer.count('tasker_unique_conflicts_total', { outcome }),
      countFlow: (status?: FlowStatus): void =>
        status === undefined
          ? buffer.count('tasker_flows_submitted_total', {})
          : buffer.count('tasker_flows_ended_total', { status }),
      observeLateness: (seconds: number): void =>
        buffer.observe('tasker_schedule_lateness_seconds', {}, seconds),
      flush: buffer.flush,
      flushOld: buffer.flushOld,
      flushSoon: buffer.flushSoon,
      readTotals: async () => metricsObject().readTotals(),
      readFigures: async (owner: string, query: FigureQuery): Promise<Group[]> =>
        metricsObject().readFigures(owner, query),
      openStreams: async (at: number) => metricsObject().openStreams(at),
      erase: async (owner: string) => metricsObject().erase(owner),
      countStreams: async (owner: string, count: number) =>
        metricsObject().countStreams(owner, count, now()),
    },
  };
};

export type Live = ReturnType<typeof createLive>;
