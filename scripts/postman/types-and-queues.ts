import type { Step } from './step.ts';

export const typesAndQueuesSteps: Step[] = [
  {
    name: 'List task types',
    call: 'GET /task-types',
    status: 200,
    tests: { 'has sum': "pm.expect(json.task_types.map((t) => t.type)).to.include('sum')" },
  },
  {
    name: 'Get a task type',
    call: 'GET /task-types/sum',
    status: 200,
    tests: { 'has a schema': "pm.expect(json.params.required).to.eql(['a', 'b'])" },
  },
  {
    name: 'List queues',
    call: 'GET /queues',
    status: 200,
    tests: { 'has six': 'pm.expect(json.queues).to.have.length(6)' },
  },
  {
    name: 'Pause a queue',
    call: 'POST /queues/external-low/pause',
    status: 200,
    tests: { 'is paused': 'pm.expect(json.paused).to.equal(true)' },
  },
  {
    name: 'Resume a queue',
    call: 'POST /queues/external-low/resume',
    status: 200,
    tests: { 'is open': 'pm.expect(json.paused).to.equal(false)' },
  },
];
