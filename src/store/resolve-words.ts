import type { TaskFilter } from '../domain/filter.ts';
import { foldIdentifier, isIdentifier, parseShortId } from '../domain/identifiers.ts';
import { nameStatement } from './statements.ts';

const LOOK_UP = nameStatement(
  'tasks.look_up',
  `SELECT
  EXISTS (SELECT 1 FROM search_index WHERE owner = ?1 AND value = ?2) AS is_value,
  EXISTS (SELECT 1 FROM tasks WHERE owner = ?1 AND id BETWEEN ?3 AND ?4) AS is_id`,
);

/**
 * What the words of a search mean: a value in parameters, or an id, that there is, which an index
 * finds among any number of tasks; or else words, for which the newest tasks are looked through.
 */
export const resolveWords = async (
  db: D1Database,
  owner: string,
  filter: TaskFilter,
): Promise<TaskFilter> => {
  const { words, ...rest } = filter;
  const text = foldIdentifier(words?.join(' ') ?? '');
  const idRange = parseShortId(text);
  if (!isIdentifier(text) && !idRange) return filter;
  const found = await db
    .prepare(LOOK_UP)
    .bind(owner, text, idRange?.from ?? '', idRange?.to ?? '')
    .first<{ is_value: 0 | 1; is_id: 0 | 1 }>();
  if (found?.is_value) return { ...rest, identifier: text };
  if (found?.is_id && idRange) return { ...rest, idRange };
  return filter;
};
