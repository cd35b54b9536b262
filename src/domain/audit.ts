import type { auditTable } from '../schema/audit.ts';

/** What the audit log has. */
export const AUDIT_ACTIONS = [
  'key.created',
  'key.rotated',
  'key.revoked',
  'queue.paused',
  'queue.resumed',
  'tasks.purged',
  'owner.erased',
  'owner.moved',
  'webhook_secret.rotated',
  'task_type.registered',
  'task_type.deleted',
  'task_type.paused',
  'task_type.resumed',
  'task_type.secret_rotated',
  'schedule.created',
  'schedule.changed',
  'schedule.paused',
  'schedule.resumed',
  'schedule.deleted',
  'limit.changed',
  'limit.deleted',
  'limit.paused',
  'limit.resumed',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** A line of the audit log: the row as stored. */
export type AuditEntry = typeof auditTable.$inferSelect;
