import type { Step } from './step.ts';

const READ = { flow_id: '{{flowId}}' };

export const flowSteps: Step[] = [
  {
    name: 'Submit a flow',
    call: 'POST /flows',
    body: {
      name: 'Add twice',
      tasks: {
        first: { type: 'sum', params: { a: 1, b: 2 } },
        second: { type: 'sum', params: { a: { $from: 'first.result.result' }, b: 4 } },
        later: { type: 'simulate', params: { duration: 60 }, after: ['second'] },
      },
    },
    status: 202,
    tests: { 'has its tasks': 'pm.expect(json.nodes).to.have.lengthOf(3)' },
    keep: { flowId: 'json.flow_id' },
  },
  {
    name: 'All flows',
    call: 'GET /flows',
    status: 200,
    tests: { 'are listed': 'pm.expect(json.flows).to.be.an("array").that.is.not.empty' },
  },
  {
    name: 'One flow',
    call: 'GET /flows/{{flowId}}',
    status: 200,
    tests: { 'says what waits for what': 'pm.expect(json.nodes[1].after).to.eql(["first"])' },
  },
  { name: 'Its tasks', call: 'GET /tasks', query: READ, status: 200 },
  {
    name: 'Watch it',
    call: 'GET /flows/{{flowId}}/events',
    status: 426,
  },
  {
    name: 'Cancel it',
    call: 'POST /flows/{{flowId}}/cancel',
    status: 200,
    tests: { 'is cancelled': "pm.expect(json.status).to.equal('CANCELLED')" },
  },
  {
    name: 'Retry it',
    call: 'POST /flows/{{flowId}}/retry',
    status: 200,
    tests: { 'goes on': "pm.expect(json.status).to.equal('IN_PROGRESS')" },
  },
  {
    name: 'Send its notifications again',
    call: 'POST /flows/{{flowId}}/deliveries/retry',
    status: 200,
  },
  { name: 'Cancel it again', call: 'POST /flows/{{flowId}}/cancel', status: 200 },
  { name: 'Delete it', call: 'DELETE /flows/{{flowId}}', status: 204 },
];
