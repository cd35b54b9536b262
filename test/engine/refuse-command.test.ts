import { expect, it } from 'vitest';
import { refuseCommand } from '../../src/engine/refuse-command.ts';
import { aTask } from '../support/rows.ts';

it.each([
  ['cancel', 'COMPLETED', 'task_finished', /Cannot cancel task/],
  ['delete', 'IN_PROGRESS', 'task_running', /Cannot delete task/],
  ['retry', 'PENDING', 'task_unfinished', /Cannot retry task/],
  ['reprioritize', 'IN_PROGRESS', 'task_running', /change the priority of/],
] as const)('names the status: %s of a task that is %s', (command, status, code, message) => {
  const error = refuseCommand(command, { ...aTask(), status });
  expect(error).toMatchObject({ code, members: { task_status: status } });
  expect(error.message).toMatch(message);
  expect(error.message).toContain(status);
});
