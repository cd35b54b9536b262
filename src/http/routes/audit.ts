import { Hono } from 'hono';
import * as z from 'zod';
import { hasScope } from '../../domain/api-key.ts';
import { AUDIT_ACTIONS, type AuditEntry } from '../../domain/audit.ts';
import { AppError } from '../../domain/errors.ts';
import { singleText } from '../../domain/filter-schema.ts';
import { createAuditStore } from '../../store/audit.ts';
import type { AppEnv } from '../context.ts';
import { digits, nextCursor, time, toIso, whole } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { answerHead } from '../middleware/head.ts';
import { scope } from '../middleware/scope.ts';
import { query } from '../middleware/validate.ts';
import { orUnavailable } from '../read-task.ts';

const entrySchema = z
  .strictObject({
    id: z.uuid(),
    at: time,
    owner: z.string(),
    key_id: z.uuid().nullable().meta({ description: 'Of the caller; null: this machine' }),
    action: z.enum(AUDIT_ACTIONS),
    subject: z.string().nullable(),
    ip: z.string().nullable(),
    request_id: z.string().nullable(),
  })
  .meta({ id: 'AuditEntry' });
export const auditListSchema = z.strictObject({
  pagination: z.strictObject({ page_size: whole, next_cursor: nextCursor }),
  entries: z.array(entrySchema),
});

const auditQuery = z.strictObject({
  page_size: digits(1, 1_000).default(100),
  cursor: z.uuid().toLowerCase().optional(),
  owner: singleText()
    .min(1)
    .max(100)
    .optional()
    .meta({ description: 'For operators: of this owner alone' }),
});

const toEntryView = ({ at, ...entry }: AuditEntry) => ({ ...entry, at: toIso(at) });

/** `/audit`: who did what, for admins. */
export const auditRoutes = new Hono<AppEnv>().get(
  '/',
  docs({
    id: 'listAudit',
    tag: 'Operations',
    summary: 'Who made, rotated or revoked keys, paused queues, purged or erased, and from where',
    description: 'The newest first: of the own owner, for an operator of all.',
    answers: { 200: { description: 'One page', body: auditListSchema } },
  }),
  scope('admin'),
  query(auditQuery),
  answerHead(),
  async (c) => {
    const { page_size, cursor, owner } = c.req.valid('query');
    const isOperator = hasScope(c.get('identity').scopes, 'operator');
    if (!isOperator && owner !== undefined && owner !== c.get('owner'))
      throw new AppError('scope_missing', 'The log of another owner needs the scope "operator"');
    const of = isOperator ? (owner ?? null) : c.get('owner');
    const store = c.get('services').useFirst(createAuditStore);
    const found = await orUnavailable(c, () => store.list(of, page_size + 1, cursor));
    const entries = found.slice(0, page_size);
    const next_cursor = found.length > page_size ? (entries.at(-1)?.id ?? null) : null;
    return c.json({ pagination: { page_size, next_cursor }, entries: entries.map(toEntryView) });
  },
);
