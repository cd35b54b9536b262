import { ROUTES } from '../domain/routing.ts';
import type { HeldReason } from '../domain/words.ts';

const NAMES = ROUTES.map((queue) => `'${queue}'`).join(', ');

// The write names its rows in its own WHERE: read first and written by id later, a task may have
// finished in between.
/**
 * The rows that the clock has to look at, as a condition: ?1 is now, ?2 how many at most.
 * @param more a further condition on them
 */
export const dueRowsSql = (held: HeldReason, more = ''): string =>
  `(owner, id) IN (
    SELECT owner, id
    FROM tasks INDEXED BY tasks_due
    WHERE held = '${held}' AND queue IN (${NAMES}) AND wake_at <= ?1 ${more}
    LIMIT ?2
  )
  AND held = '${held}'
  AND wake_at <= ?1`;
