import { and, desc, eq, lt, type SQL } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { AuditEntry } from '../domain/audit.ts';
import { auditTable as audit } from '../schema/audit.ts';

/** The audit log. Rows are only ever added, and go with their owner. */
export const createAuditStore = (d1: D1Database) => {
  const db = drizzle(d1);
  return {
    async add(entry: AuditEntry): Promise<void> {
      await db.insert(audit).values(entry);
    },

    /** The newest first. `owner` null: of all. `before`: the id after which the page begins. */
    list(owner: string | null, limit: number, before?: string): Promise<AuditEntry[]> {
      const conditions: SQL[] = [
        ...(owner === null ? [] : [eq(audit.owner, owner)]),
        ...(before === undefined ? [] : [lt(audit.id, before)]),
      ];
      return db
        .select()
        .from(audit)
        .where(and(...conditions))
        .orderBy(desc(audit.id))
        .limit(limit);
    },
  };
};
