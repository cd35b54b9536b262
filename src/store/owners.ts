import { and, eq, ne, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { ERASED_OWNER } from '../domain/api-key.ts';
import { auditTable } from '../schema/audit.ts';
import { keysTable } from '../schema/keys.ts';
import { mutedErrorsTable } from '../schema/muted-errors.ts';
import { taskTypesTable } from '../schema/task-types.ts';
import { limitsTable, limitSubsTable, uniqueKeysTable } from '../schema/limits.ts';
import { flowEdgesTable, flowsTable } from '../schema/flows.ts';
import { schedulesTable } from '../schema/schedules.ts';
import { ownersTable as owners } from '../schema/owners.ts';
import { nameStatement } from './statements.ts';

/** Bytes. */
export interface Usage {
  rows: number;
  bodies: number;
  database: number;
}

export type OwnerRow = typeof owners.$inferSelect;

const ADD_FILE_BYTES = nameStatement(
  'owners.add_file_bytes',
  `INSERT INTO owners (owner, file_bytes)
VALUES (?1, max(0, ?2))
ON CONFLICT (owner) DO UPDATE SET file_bytes = max(0, file_bytes + ?2)`,
);

const SET_FILE_BYTES = nameStatement(
  'owners.set_file_bytes',
  `INSERT INTO owners (owner, file_bytes)
VALUES (?1, ?2)
ON CONFLICT (owner) DO UPDATE SET file_bytes = ?2`,
);

const READ_USAGE = nameStatement(
  'owners.read_usage',
  'SELECT task_bytes, body_bytes FROM owners WHERE owner = ?1',
);

const ROTATE = nameStatement(
  'owners.rotate_webhook_secret',
  `INSERT INTO owners (owner, webhook_version, webhook_rotated_at)
VALUES (?1, 1, ?2)
ON CONFLICT (owner) DO UPDATE SET webhook_version = webhook_version + 1, webhook_rotated_at = ?2
RETURNING *`,
);

const NONE = {
  task_bytes: 0,
  body_bytes: 0,
  file_bytes: 0,
  webhook_version: 0,
  webhook_rotated_at: null,
};

/** What is known of owners beside their tasks. The triggers on tasks count their bytes. */
export const createOwnerStore = (d1: D1Database) => {
  const db = drizzle(d1);
  return {
    /** Zeros for an owner without a row. */
    async get(owner: string): Promise<OwnerRow> {
      const row = await db.select().from(owners).where(eq(owners.owner, owner)).get();
      return row ?? { owner, ...NONE };
    },

    /** Bytes of the owner's tasks: of their rows, about, and of what lies outside; and of the whole database. */
    async readUsage(owner: string): Promise<Usage> {
      const statement = d1.prepare(READ_USAGE).bind(owner);
      const { results, meta } = await statement.all<Pick<OwnerRow, 'task_bytes' | 'body_bytes'>>();
      const { task_bytes: rows = 0, body_bytes: bodies = 0 } = results[0] ?? {};
      return { rows, bodies, database: meta.size_after };
    },

    /** `bytes` may be negative. */
    async addFileBytes(owner: string, bytes: number): Promise<void> {
      if (bytes !== 0) await d1.prepare(ADD_FILE_BYTES).bind(owner, bytes).run();
    },

    /** After they were counted anew. */
    async setFileBytes(owner: string, bytes: number): Promise<void> {
      await d1.prepare(SET_FILE_BYTES).bind(owner, bytes).run();
    },

    /** Lets the next version of the owner's webhook secret begin. */
    async rotateWebhookSecret(owner: string, now: number): Promise<OwnerRow> {
      const row = await d1.prepare(ROTATE).bind(owner, now).first<OwnerRow>();
      if (!row) throw new Error('The owner has no row');
      return row;
    },

    /** Ends all keys of the owner, but for the caller's own. */
    async revokeKeys(owner: string, except: string | null, now: number): Promise<void> {
      await db
        .update(keysTable)
        .set({ revoked_at: sql`coalesce(${keysTable.revoked_at}, ${now})` })
        .where(and(eq(keysTable.owner, owner), ne(keysTable.id, except ?? '')));
    },

    /**
     * Forgets the owner: audit log, types, schedules, limits, muted errors, keys and what is kept here. Tasks
     * are purged before. Its keys stay as revoked ones of nobody: a service whose last key is gone
     * would be open. The number of its webhook secret stays as well, for who bears the name next must
     * have another.
     */
    async erase(owner: string, now: number): Promise<void> {
      const revoked_at = sql`coalesce(${keysTable.revoked_at}, ${now})`;
      await db.batch([
        db
          .update(keysTable)
          .set({ owner: ERASED_OWNER, name: ERASED_OWNER, task_types: null, revoked_at })
          .where(eq(keysTable.owner, owner)),
        db.delete(auditTable).where(eq(auditTable.owner, owner)),
        db.delete(schedulesTable).where(eq(schedulesTable.owner, owner)),
        db.delete(limitsTable).where(eq(limitsTable.owner, owner)),
        db.delete(limitSubsTable).where(eq(limitSubsTable.owner, owner)),
        db.delete(uniqueKeysTable).where(eq(uniqueKeysTable.owner, owner)),
        db.delete(flowsTable).where(eq(flowsTable.owner, owner)),
        db.delete(flowEdgesTable).where(eq(flowEdgesTable.owner, owner)),
        // Who bears the name next must not send its tasks to the endpoints of this one.
        db.delete(taskTypesTable).where(eq(taskTypesTable.owner, owner)),
        db.delete(mutedErrorsTable).where(eq(mutedErrorsTable.owner, owner)),
        db
          .insert(owners)
          .values({ owner, webhook_version: 1 })
          .onConflictDoUpdate({
            target: owners.owner,
            set: {
              task_bytes: 0,
              body_bytes: 0,
              file_bytes: 0,
              webhook_version: sql`${owners.webhook_version} + 1`,
              webhook_rotated_at: null,
            },
          }),
      ]);
    },
  };
};

export type OwnerStore = ReturnType<typeof createOwnerStore>;
