import { nameStatement } from './statements.ts';

// List nodes, and the tasks that they made.

export const FIND_ITEMS = nameStatement(
  'releases.find_items',
  `SELECT item
FROM tasks INDEXED BY tasks_by_flow
WHERE owner = ?1 AND flow_id = ?2 AND node = ?3 AND item IS NOT NULL`,
);

export const COUNT_ITEMS = nameStatement(
  'releases.count_items',
  `SELECT
  s.value ->> 0 AS id,
  count(*) AS items,
  count(*) FILTER (WHERE tasks.status = 'COMPLETED') AS completed,
  count(*) FILTER (WHERE tasks.status = 'FAILED') AS failed,
  count(*) FILTER (WHERE tasks.status = 'CANCELLED') AS cancelled
FROM json_each(?1) AS s
CROSS JOIN tasks INDEXED BY tasks_by_flow
  ON tasks.owner = s.value ->> 1
  AND tasks.flow_id = s.value ->> 2
  AND tasks.node = s.value ->> 3
WHERE tasks.item IS NOT NULL
GROUP BY 1`,
);

export const READ_TEMPLATE = nameStatement(
  'releases.read_template',
  `SELECT params
FROM tasks INDEXED BY tasks_by_flow
WHERE owner = ?1 AND flow_id = ?2 AND node = ?3 AND item IS NULL`,
);
