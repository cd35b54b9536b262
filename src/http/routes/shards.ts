import { Hono } from 'hono';
import * as z from 'zod';
import { isOwnerName } from '../../domain/api-key.ts';
import { createShardFigures } from '../../store/shard-figures.ts';
import type { OwnerShard } from '../../store/shards.ts';
import { findMover } from '../../wiring/moving.ts';
import { getAllServices } from '../../wiring/services.ts';
import type { AppEnv } from '../context.ts';
import { digits, nextCursor, timeOrNull, toIsoOrNull, whole } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { answerHead } from '../middleware/head.ts';
import { limit } from '../middleware/limit.ts';
import { scope } from '../middleware/scope.ts';
import { json, noQuery, query } from '../middleware/validate.ts';
import { orUnavailable } from '../read-task.ts';
import { recordAudit } from '../record-audit.ts';

const ownerName = z
  .string()
  .refine(isOwnerName, 'Expected an owner: 1 to 100 letters, digits and . _ @ : -');

export const shardView = z
  .strictObject({
    shard: whole,
    bytes: whole,
    used: z.number().meta({ description: 'Which part of DATABASE_LIMIT_BYTES that is' }),
    owners: whole.meta({ description: 'Owners that have tasks there' }),
    pinned: whole.meta({
      description: 'Owners that were pinned there; the others are on the first',
    }),
    submitted_last_minute: whole.meta({ description: 'At most 10 000 are counted' }),
    waiting: whole,
    oldest_waiting_seconds: z.number().nullable(),
  })
  .meta({ id: 'Shard' });

export const ownerView = z
  .strictObject({
    owner: z.string(),
    shard: whole,
    moving_to: whole.nullable(),
    moving_since: timeOrNull,
  })
  .meta({ id: 'OwnerShard' });
const toOwnerView = ({ owner, shard, moving_to, moving_since }: OwnerShard) => ({
  owner,
  shard,
  moving_to,
  moving_since: toIsoOrNull(moving_since),
});

const moveView = z.strictObject({
  owner: z.string(),
  from: whole,
  to: whole,
  phase: z.enum(['announced', 'copying', 'waking', 'cleaning', 'done']),
  rows: whole.meta({ description: 'That this call copied, woke or deleted, about' }),
  wait_ms: whole.meta({ description: 'Ask again after that' }),
});

const SHARDS = { tag: 'Operations' } as const;

/** The databases, for operators. */
export const shardRoutes = new Hono<AppEnv>()
  .get(
    '/',
    docs({
      ...SHARDS,
      id: 'listShards',
      summary: 'How each database stands: its size, its pace, what waits, how many owners',
      answers: {
        200: {
          description: 'The databases',
          body: z.strictObject({ shards: z.array(shardView) }),
        },
      },
    }),
    scope('operator'),
    noQuery(),
    answerHead(),
    async (c) => {
      const { shardStore, settings, now } = c.get('services');
      const at = now();
      const [pinned, ...shards] = await orUnavailable(c, () =>
        Promise.all([
          shardStore.countOwners(),
          ...getAllServices(c.env).map(async ({ shard, useStore, queueStore }) => {
            const [figures, queues] = await Promise.all([
              useStore(createShardFigures).read(at),
              queueStore.list(at),
            ]);
            const due = queues.flatMap(({ oldest_due_at }) => oldest_due_at ?? []);
            return {
              shard,
              bytes: figures.bytes,
              used: Number((figures.bytes / settings.DATABASE_LIMIT_BYTES).toFixed(4)),
              owners: figures.owners,
              submitted_last_minute: figures.submitted,
              waiting: queues.reduce((sum, { pending }) => sum + pending, 0),
              oldest_waiting_seconds:
                due.length === 0 ? null : Math.max(0, at - Math.min(...due)) / 1_000,
            };
          }),
        ] as const),
      );
      return c.json({
        shards: shards.map((each) => ({ ...each, pinned: pinned.get(each.shard) ?? 0 })),
      });
    },
  )
  .get(
    '/owners',
    docs({
      ...SHARDS,
      id: 'listPinnedOwners',
      summary: 'Which owners are pinned to which database',
      description: 'An owner that is not listed is on the first one, 0.',
      answers: {
        200: {
          description: 'One page, by name',
          body: z.strictObject({
            pagination: z.strictObject({ page_size: whole, next_cursor: nextCursor }),
            owners: z.array(ownerView),
          }),
        },
      },
    }),
    scope('operator'),
    query(
      z.strictObject({
        shard: digits(0, 1_000).optional(),
        page_size: digits(1, 1_000).default(100),
        cursor: ownerName.optional(),
      }),
    ),
    answerHead(),
    async (c) => {
      const { shard, page_size, cursor } = c.req.valid('query');
      const { shardStore } = c.get('services');
      const list = () => shardStore.list(cursor ?? '', shard ?? null, page_size);
      const owners = await orUnavailable(c, list);
      const next_cursor = owners.length === page_size ? (owners.at(-1)?.owner ?? null) : null;
      return c.json({ pagination: { page_size, next_cursor }, owners: owners.map(toOwnerView) });
    },
  )
  .post(
    '/moves',
    docs({
      ...SHARDS,
      id: 'moveOwner',
      summary: 'Move an owner to another database, a part at a call',
      description:
        'Ask again, after `wait_ms`, until `phase` is `done`: a call goes on where the one before ended, or was ' +
        'interrupted. Its writes are refused until its rows are copied; nothing is lost or done twice. ' +
        '`npm run shards -- move <owner> <shard>` does this.',
      answers: { 200: { description: 'How far it is', body: moveView } },
      errors: ['shard_not_found', 'owner_moving'],
      examples: { first: { owner: 'ann', to: 0 } },
    }),
    scope('operator'),
    limit('writes'),
    json(z.strictObject({ owner: ownerName, to: z.int().min(0).max(1_000) })),
    async (c) => {
      const { owner, to } = c.req.valid('json');
      const progress = await orUnavailable(c, () => findMover(c.env).move(owner, to));
      if (progress.phase === 'done' && progress.from !== to)
        await recordAudit(c, 'owner.moved', owner, `${progress.from} to ${to}`);
      return c.json(progress);
    },
  );
