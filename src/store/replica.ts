/**
 * The database as its read replicas have it, which may be some moments behind, for what need not be
 * of this very moment: figures, and pages of a list beyond its first. Each statement has a session of
 * its own, so the nearest replica answers. Where replication is off, the primary does.
 * https://developers.cloudflare.com/d1/best-practices/read-replication/
 */
export const createReplica = (db: D1Database): D1Database =>
  ({
    prepare: (sql: string) => db.withSession('first-unconstrained').prepare(sql),
  }) as Pick<D1Database, 'prepare'> as D1Database;
