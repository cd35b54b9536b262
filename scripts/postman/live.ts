import type { Step } from './step.ts';

export const liveSteps: Step[] = [
  { name: 'Watching one needs a stream', call: 'GET /tasks/{{laterId}}/events', status: 426 },
  { name: 'Watching all needs a stream', call: 'GET /events', status: 426 },
  {
    name: 'Get a ticket for a browser',
    call: 'POST /events/ticket',
    status: 200,
    tests: { 'is good for a while': 'pm.expect(json.expires_in).to.equal(30)' },
  },
];
