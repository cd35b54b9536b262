import type { Step } from './step.ts';

export const limitSteps: Step[] = [
  {
    name: 'Make a limit',
    call: 'PUT /limits/tenants',
    body: { max_running: 20, rate: { count: 50, per_seconds: 1 }, sub: { max_running: 2 } },
    status: 200,
    tests: { 'has its numbers': 'pm.expect(json.sub.max_running).to.equal(2)' },
  },
  {
    name: 'Submit under it',
    call: 'POST /tasks',
    body: { type: 'sum', params: { a: 5, b: 3 }, limit: { key: 'tenants', sub_key: 'acme' } },
    status: 202,
    tests: { 'names it': "pm.expect(json.limit.sub_key).to.equal('acme')" },
  },
  {
    name: 'All limits',
    call: 'GET /limits',
    status: 200,
    tests: { 'are listed': 'pm.expect(json.limits).to.be.an("array").that.is.not.empty' },
  },
  { name: 'One limit', call: 'GET /limits/tenants', status: 200 },
  { name: 'Pause it', call: 'POST /limits/tenants/pause', body: { seconds: 60 }, status: 200 },
  {
    name: 'Resume it',
    call: 'POST /limits/tenants/resume',
    status: 200,
    tests: { 'is open': 'pm.expect(json.paused_until).to.be.null' },
  },
  { name: 'Delete it', call: 'DELETE /limits/tenants', status: 204 },
];
