import { readStatementName } from '../support/statements.ts';
import { rewriting } from './mutants.ts';
import type { Mutation } from './world.ts';

/** A trigger that says something else. */
const inTrigger = (name: string, from: string, to: string): Mutation => ({
  trigger: { name, from, to },
});

/** The flow goes, whatever is left of its tasks. */
const deletesFlowsFirst: Mutation = {
  rewrite: (sql) => {
    const name = readStatementName(sql);
    if (name === 'flows.delete_tasks') return sql.replace('LIMIT ?2', 'LIMIT min(1, ?2)');
    return name === 'flows.delete' ? sql.replace('AND NOT EXISTS', 'AND 1 >= EXISTS') : sql;
  },
};

/** Bugs that the model of flows must find, by name. */
export const flowMutants: Record<string, Mutation> = {
  'an end that is not followed': {
    flowRelease: (real) => ({ ...real, releaseAfter: async () => {} }),
  },
  'a clock that forgets flows': rewriting(
    'sweep.next_wake',
    "WHERE held = 'flow' AND wake_at IS NOT NULL",
    "WHERE held = 'flow' AND wake_at IS NULL",
  ),
  'a release that does not wait': {
    ...rewriting('releases.find_after', 'AND tasks.wake_at IS NOT NULL', ''),
    trigger: {
      name: 'tasks_end_node',
      from: 'iif((NEW.status',
      to: 'iif(1 OR (NEW.status',
    },
  },
  'a release without values': rewriting(
    'releases.release',
    'params = coalesce(r.value ->> 3, tasks.params)',
    'params = tasks.params',
  ),
  'an end that unblocks twice': inTrigger(
    'tasks_end_node',
    'blocked_by - 1, -2)',
    'max(0, blocked_by - 2), -2)',
  ),
  'a failure that lets others go': inTrigger(
    'tasks_end_node',
    'blocked_by - 1, -2)',
    'blocked_by - 1, blocked_by - 1)',
  ),
  'an end that the flow does not count': inTrigger(
    'tasks_end_node',
    'UPDATE flows SET open = open - 1,',
    'UPDATE flows SET open = open - (NEW.item IS NULL),',
  ),
  'a retry that the flow does not count': inTrigger(
    'tasks_reopen_flow',
    'SET open = open + 1,',
    'SET open = open + 0,',
  ),
  'a retry that does not count again': rewriting(
    'flows.recount',
    'WHERE tasks.owner = ?1\n  AND tasks.id = counted.id',
    'WHERE false AND tasks.owner = ?1\n  AND tasks.id = counted.id',
  ),
  'a list that ends before its tasks': rewriting(
    'releases.expanded',
    'made.completed_at IS NULL',
    'made.completed_at IS NULL AND made.item > 0',
  ),
  'a delete that leaves tasks': deletesFlowsFirst,
  'a node that is deleted alone': rewriting('tasks.delete', 'AND flow_id IS NULL', ''),
  'a status that forgets failures': inTrigger(
    'flows_close',
    "item IS NULL AND status = 'FAILED'",
    "item IS NULL AND status = 'LOST'",
  ),
};
