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
  'webhook_secret.rotated',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** A line of the audit log: the row as stored. */
export type AuditEntry = typeof auditTable.$inferSelect;
