import { nameStatement } from './statements.ts';

/** Where an owner lives. */
export interface OwnerShard {
  owner: string;
  shard: number;
  moving_to: number | null;
  moving_since: number | null;
  step: string | null;
}

/** Whether an owner is on its way: it lives here still, and may write nothing. */
export const isOnItsWay = ({
  shard,
  moving_to,
}: Pick<OwnerShard, 'shard' | 'moving_to'>): boolean => moving_to !== null && moving_to !== shard;

const FIND = nameStatement(
  'shards.find',
  `SELECT owner_shards.*
FROM json_each(?1) AS o
JOIN owner_shards ON owner_shards.owner = o.value`,
);

// What was pinned first stays.
const PIN = nameStatement(
  'shards.pin',
  `INSERT INTO owner_shards (owner, shard)
VALUES (?1, ?2)
ON CONFLICT (owner) DO UPDATE SET shard = owner_shards.shard
RETURNING *`,
);

const COUNT = nameStatement(
  'shards.count_owners',
  'SELECT shard, count(*) AS owners FROM owner_shards GROUP BY shard',
);

const LIST = nameStatement(
  'shards.list',
  `SELECT *
FROM owner_shards
WHERE owner > ?1 AND (?2 IS NULL OR shard = ?2)
ORDER BY owner
LIMIT ?3`,
);

const BEGIN = nameStatement(
  'shards.begin_move',
  `INSERT INTO owner_shards (owner, shard, moving_to, moving_since, step)
VALUES (?1, 0, ?2, ?3, ?4)
ON CONFLICT (owner) DO UPDATE SET moving_to = ?2, moving_since = ?3, step = ?4
WHERE owner_shards.moving_to IS NULL
RETURNING *`,
);

const NOTE = nameStatement(
  'shards.note_step',
  `UPDATE owner_shards
SET step = ?3
WHERE owner = ?1 AND moving_since = ?2
RETURNING *`,
);

const SWITCH = nameStatement(
  'shards.switch',
  `UPDATE owner_shards
SET shard = moving_to, step = ?3
WHERE owner = ?1 AND moving_since = ?2 AND moving_to IS NOT NULL
RETURNING *`,
);

const END = nameStatement(
  'shards.end_move',
  `UPDATE owner_shards
SET moving_to = NULL, moving_since = NULL, step = NULL
WHERE owner = ?1 AND moving_since = ?2`,
);

/** Which owner is on which shard; in the first database. */
export const createShardStore = (db: D1Database) => ({
  /** Of these owners, those that have a row. */
  async find(owners: readonly string[]): Promise<(OwnerShard & { isMoving: boolean })[]> {
    const statement = db.prepare(FIND).bind(JSON.stringify(owners));
    const { results } = await statement.all<OwnerShard>();
    return results.map((row) => ({ ...row, isMoving: isOnItsWay(row) }));
  },

  /** Pins an owner, unless it is pinned; returns where it is. */
  async pin(owner: string, shard: number): Promise<OwnerShard> {
    const row = await db.prepare(PIN).bind(owner, shard).first<OwnerShard>();
    if (!row) throw new Error('The owner has no row');
    return row;
  },

  /** How many owners are pinned to each shard. */
  async countOwners(): Promise<Map<number, number>> {
    return new Map(await db.prepare(COUNT).raw<[number, number]>());
  },

  /** Pinned owners by name. @param shard null: of all */
  async list(after: string, shard: number | null, limit: number): Promise<OwnerShard[]> {
    return (await db.prepare(LIST).bind(after, shard, limit).all<OwnerShard>()).results;
  },

  /** Begins a move; null while one goes on. */
  beginMove: (owner: string, to: number, now: number, step: string): Promise<OwnerShard | null> =>
    db.prepare(BEGIN).bind(owner, to, now, step).first<OwnerShard>(),

  /** Notes how far a move is; null when it is another one, or over. */
  noteStep: ({ owner, moving_since }: OwnerShard, step: string): Promise<OwnerShard | null> =>
    db.prepare(NOTE).bind(owner, moving_since, step).first<OwnerShard>(),

  /** From now on the owner lives where its rows were moved. */
  switch: ({ owner, moving_since }: OwnerShard, step: string): Promise<OwnerShard | null> =>
    db.prepare(SWITCH).bind(owner, moving_since, step).first<OwnerShard>(),

  async endMove({ owner, moving_since }: OwnerShard): Promise<void> {
    await db.prepare(END).bind(owner, moving_since).run();
  },
});

export type ShardStore = ReturnType<typeof createShardStore>;
