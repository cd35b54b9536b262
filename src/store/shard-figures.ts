import { ALL_OWNERS } from './counts.ts';
import { nameStatement } from './statements.ts';
import { toUuidFloor } from './uuid.ts';

const MINUTE_MS = 60_000;
/** Counting stops here: it reads every row. */
const MAX_COUNTED = 10_000;

const FIGURES = nameStatement(
  'shards.figures',
  `WITH RECURSIVE owners(owner) AS (${ALL_OWNERS})
SELECT
  (SELECT count(*) FROM owners WHERE owner IS NOT NULL) AS owners,
  (
    SELECT count(*)
    FROM (
      SELECT 1
      FROM owners
      CROSS JOIN tasks ON tasks.owner = owners.owner AND tasks.id >= ?1
      LIMIT ${MAX_COUNTED}
    )
  ) AS submitted`,
);

/** How one of several databases stands. */
export const createShardFigures = (db: D1Database) => ({
  /** Its bytes, owners with tasks, and tasks that were submitted in the last minute, 10 000 at most. */
  async read(now: number): Promise<{ bytes: number; owners: number; submitted: number }> {
    const { results, meta } = await db
      .prepare(FIGURES)
      .bind(toUuidFloor(now - MINUTE_MS))
      .all<{ owners: number; submitted: number }>();
    const { owners = 0, submitted = 0 } = results[0] ?? {};
    return { bytes: meta.size_after, owners, submitted };
  },
});
