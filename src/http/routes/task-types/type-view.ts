import * as z from 'zod';
import { typeLimit } from '../../../domain/limit.ts';
import { run, toRunKind, parseDefinition } from '../../../domain/registered-type.ts';
import { LANES } from '../../../domain/words.ts';
import type { Handler } from '../../../handlers/handler.ts';
import type { AppContext } from '../../context.ts';
import { anyJson, time, timeOrNull, toIso, toIsoOrNull, whole } from '../../fields.ts';

const typeFields = {
  type: z.string(),
  aliases: z.array(z.string()),
  description: z.string(),
  lane: z.enum(LANES),
  kind: z
    .enum(['built_in', 'endpoint', 'worker', 'manual'])
    .meta({ description: 'Who runs its tasks: Tasker, an endpoint, a worker, or a person' }),
  run: run.nullable().meta({ description: 'As it was registered; null for a built-in type' }),
  paused_until: timeOrNull.meta({ description: 'No run begins before' }),
  registered_at: timeOrNull,
  retry: z.strictObject({
    max_attempts: whole,
    base_seconds: z.number(),
    max_seconds: z.number(),
  }),
  timeout_seconds: z.number(),
  cache_ttl_seconds: whole,
  reuse_seconds: whole,
  limit: typeLimit.nullable().meta({ description: 'The limit that its tasks run under' }),
  needs: z.array(z.string()),
  configured: z.boolean(),
  params: z.unknown().meta({ type: 'object', description: 'JSON Schema of the parameters' }),
  result: z
    .unknown()
    .meta({ description: 'JSON Schema of the result; null where any JSON may come' }),
  example: anyJson,
};

export const taskTypeSchema = z.strictObject(typeFields).meta({ id: 'TaskType' });
export const typeDetailSchema = z
  .strictObject({
    ...typeFields,
    workers: z
      .array(z.strictObject({ name: z.string(), seen_at: time }))
      .meta({ description: 'Who asked for its tasks within a day' }),
  })
  .meta({ id: 'TaskTypeDetail' });

const toJsonSchema = (handler: Handler): unknown =>
  handler.schema ?? z.toJSONSchema(handler.params, { io: 'input', unrepresentable: 'any' });

/** A type as it is declared; what its parameters decide is shown for the example. */
export const toTypeView = (c: AppContext, handler: Handler) => {
  const { settings, now } = c.get('services');
  const { maxAttempts, baseSeconds, maxSeconds } = handler.retry;
  const { row } = handler.outside ?? {};
  const definition = row && parseDefinition(row);
  const pausedUntil = row?.paused_until ?? null;
  const example = handler.outside ? handler.example : handler.params.parse(handler.example);
  return {
    type: handler.type,
    aliases: handler.aliases,
    description: handler.description,
    lane: handler.lane,
    kind: definition ? toRunKind(definition) : ('built_in' as const),
    run: definition?.run ?? null,
    paused_until: toIsoOrNull(pausedUntil !== null && pausedUntil > now() ? pausedUntil : null),
    registered_at: row ? toIso(row.created_at) : null,
    retry: { max_attempts: maxAttempts, base_seconds: baseSeconds, max_seconds: maxSeconds },
    timeout_seconds: handler.timeoutMs(example) / 1_000,
    cache_ttl_seconds: handler.cacheTtlSeconds ?? settings.CACHE_TTL_SECONDS,
    reuse_seconds: handler.reuseSeconds ?? 0,
    limit: handler.limit ?? null,
    needs: handler.needs,
    configured: handler.needs.every((name) => settings[name] !== undefined),
    params: toJsonSchema(handler),
    result: definition?.result ?? null,
    example: handler.example,
  };
};
