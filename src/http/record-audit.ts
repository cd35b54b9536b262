import { v7 as uuidv7 } from 'uuid';
import type { AuditAction } from '../domain/audit.ts';
import { createAuditStore } from '../store/audit.ts';
import { readAddress } from './authenticate.ts';
import type { AppContext } from './context.ts';
import { orUnavailable } from './read-task.ts';

/** Notes in the audit log what the caller has done. */
export const recordAudit = async (
  c: AppContext,
  action: AuditAction,
  owner: string,
  subject: string | null = null,
): Promise<void> => {
  const { useFirst, now } = c.get('services');
  const entry = {
    id: uuidv7(),
    at: now(),
    owner,
    key_id: c.get('identity').keyId,
    action,
    subject,
    ip: readAddress(c) || null,
    request_id: c.get('requestId'),
  };
  c.get('log').info(action, { owner, subject: subject ?? undefined });
  await orUnavailable(c, () => useFirst(createAuditStore).add(entry));
};
