import { isStubSql } from './body-sql.ts';
import type { BodyKey } from './body-store.ts';
import { nameStatement } from './statements.ts';

const isNamedSql = (column: string): string =>
  `(${isStubSql(`tasks.${column}`)} AND tasks.${column} ->> '$."$body".name' = k.value ->> 'name')`;

const FIND_NAMED = nameStatement(
  'bodies.find_named',
  `SELECT tasks.owner, tasks.id, k.value ->> 'name' AS name
FROM json_each(?1) AS k
JOIN tasks ON tasks.owner = k.value ->> 'owner' AND tasks.id = k.value ->> 'id'
WHERE ${isNamedSql('params')} OR ${isNamedSql('result')}`,
);

/** Which rows name which bodies. */
export const createBodyNames = (db: D1Database) => ({
  /** Of these bodies, those that no row names. */
  async findOrphans<Body extends BodyKey>(bodies: readonly Body[]): Promise<Body[]> {
    if (bodies.length === 0) return [];
    const keys = JSON.stringify(bodies.map(({ owner, id, name }) => ({ owner, id, name })));
    const { results } = await db.prepare(FIND_NAMED).bind(keys).all<BodyKey>();
    const toText = ({ owner, id, name }: BodyKey): string => `${owner} ${id} ${name}`;
    const named = new Set(results.map(toText));
    return bodies.filter((body) => !named.has(toText(body)));
  },
});

export type BodyNames = ReturnType<typeof createBodyNames>;
