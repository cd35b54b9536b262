import type { Step } from './step.ts';

export const olderApisSteps: Step[] = [
  {
    name: 'Run a task',
    call: 'POST /run-task',
    body: { task_name: 'sum', task_parameters: { a: 5, b: 3 } },
    status: 202,
    keep: { runId: 'json.task_uuid' },
  },
  {
    name: 'Get its output',
    call: 'GET /get-task-output',
    query: { task_uuid: '{{runId}}' },
    status: 200,
    tests: { 'is the task': "pm.expect(json.task_name).to.equal('sum')" },
  },
  {
    name: 'Submit by /api/tasks',
    call: 'POST /api/tasks',
    body: {
      task_type: 'data_processing',
      priority: 'high',
      parameters: { data: 'example data' },
    },
    status: 202,
    keep: { apiId: 'json.task_id' },
    tests: { 'is in the high queue': "pm.expect(json.queue).to.equal('high_priority')" },
  },
  {
    name: 'Get its state',
    call: 'GET /api/tasks/{{apiId}}',
    status: 200,
    tests: {
      'has a state': "pm.expect(json.state).to.be.oneOf(['PENDING', 'STARTED', 'SUCCESS'])",
    },
  },
  {
    name: 'List by /api/tasks',
    call: 'GET /api/tasks',
    query: { type: 'completed' },
    status: 200,
    tests: { 'says what it filtered by': "pm.expect(json.filters.type).to.equal('completed')" },
  },
  {
    name: 'Pause all that match',
    call: 'POST /tasks/actions',
    body: { action: 'pause', filter: { tag: ['no task has this'] } },
    status: 202,
    tests: { 'is a task itself': "pm.expect(json.type).to.equal('bulk_action')" },
  },
  {
    name: 'Purge',
    call: 'POST /api/tasks/purge',
    status: 200,
    tests: { 'is done': "pm.expect(json.status).to.equal('success')" },
  },
];
