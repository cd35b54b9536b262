import { AppError } from '../domain/errors.ts';
import { allows, type TransitionName } from '../domain/lifecycle.ts';
import type { Task } from '../domain/task.ts';
import { isFinal } from '../domain/words.ts';

/** The verb of a refusal, where it is not the transition's own name. */
const VERBS: Partial<Record<TransitionName, string>> = { reprioritize: 'change the priority of' };

/** The 409 that names the present status, or what else forbids it. */
export const refuseCommand = (
  name: TransitionName,
  { id, status, unique_key, flow_id, end_reason }: Task,
): AppError => {
  if (name === 'delete' && flow_id !== null)
    return new AppError(
      'task_of_flow',
      `Task "${id}" goes with its flow: delete flow "${flow_id}"`,
      { members: { flow_id } },
    );
  if (allows(name, status) && unique_key !== null)
    return new AppError('duplicate', `Another task has the unique key of task "${id}"`);
  const running = status === 'IN_PROGRESS' ? 'task_running' : 'task_unfinished';
  const code = isFinal(status) ? 'task_finished' : running;
  const isStopped = name === 'retry' && end_reason === 'upstream_failed';
  const why = isStopped
    ? ` for what did not complete before it: retry that, or flow "${flow_id}"`
    : '';
  const message = `Cannot ${VERBS[name] ?? name} task "${id}": it is ${status}${why}`;
  return new AppError(code, message, { members: { task_status: status } });
};
