import { isStatus, LATER, SUM, type Step } from './step.ts';

export const tasksSteps: Step[] = [
  {
    name: 'Submit a task and wait for it',
    call: 'POST /tasks',
    body: SUM,
    headers: { Prefer: 'wait=10', 'Idempotency-Key': '{{$guid}}' },
    status: 200,
    keep: { taskId: 'json.task_id' },
    tests: {
      'has the result': 'pm.expect(json.result.result).to.equal(8)',
      'says how long it was held':
        "pm.expect(pm.response.headers.get('Preference-Applied')).to.equal('wait=10')",
    },
  },
  {
    name: 'Its result alone, whatever its size',
    call: 'GET /tasks/{{taskId}}/result',
    status: 200,
    tests: { 'is the sum': 'pm.expect(json.result).to.equal(8)' },
  },
  {
    name: 'Its parameters alone',
    call: 'GET /tasks/{{taskId}}/params',
    status: 200,
    tests: { 'are those of the submit': 'pm.expect(json).to.eql({ a: 5, b: 3 })' },
  },
  {
    name: 'Export all of a type',
    call: 'GET /export',
    query: { type: 'sum' },
    status: 200,
  },
  {
    name: 'Restore what is no line of an export',
    call: 'POST /restore',
    body: '{"no":"line"}',
    headers: { 'Content-Type': 'application/x-ndjson' },
    status: [400, 422],
  },
  {
    name: 'Send a large result, before the line of its task',
    call: 'PUT /restore/postman/{{$guid}}',
    body: '"a long text"',
    headers: { 'Content-Type': 'application/json' },
    status: 200,
    tests: { 'is what the line has': 'pm.expect(json.$body.bytes).to.equal(13)' },
  },
  {
    name: 'List what was archived',
    call: 'GET /archive',
    status: 200,
    tests: { 'is a list': 'pm.expect(json.files).to.be.an("array")' },
  },
  {
    name: 'An archive that is not there',
    call: 'GET /archive/2026-01-01/none',
    status: [404, 422],
  },
  {
    name: 'A token for a browser',
    call: 'POST /tasks/{{taskId}}/token',
    body: { expires_in_seconds: 60 },
    status: 201,
    tests: { 'is one': 'pm.expect(json.token).to.match(/^tt_/)' },
  },
  {
    name: 'Submit a task for later',
    call: 'POST /tasks',
    body: LATER,
    status: 202,
    keep: { laterId: 'json.task_id' },
    tests: {
      ...isStatus('NEW'),
      'says where it is':
        "pm.expect(pm.response.headers.get('Location')).to.equal('/tasks/' + json.task_id)",
    },
  },
  {
    name: 'Submit in the short form',
    call: 'POST /tasks',
    body: { task_name: 'test', duration: 0 },
    status: 202,
    tests: { 'is a simulate task': "pm.expect(json.type).to.equal('simulate')" },
  },
  {
    name: 'A bad submit is refused by field',
    call: 'POST /tasks',
    body: { type: 'sum', params: { a: 'x' } },
    status: 422,
    tests: {
      'names the fields':
        "pm.expect(json.errors.map((e) => e.path)).to.eql(['params.a', 'params.b'])",
    },
  },
  {
    name: 'Submit many',
    call: 'POST /tasks/bulk',
    body: { tasks: [SUM, SUM] },
    status: 202,
    tests: { 'took all': 'pm.expect(json.accepted).to.equal(2)' },
  },
  {
    name: 'Submit one that always fails',
    call: 'POST /tasks/broken',
    body: { title: 'To see a failure' },
    status: 202,
  },
  {
    name: 'Submit one that fails first',
    call: 'POST /tasks/retry',
    body: { failures: 1 },
    status: 202,
  },
  {
    name: 'Deliver what was not delivered',
    call: 'POST /tasks/{{taskId}}/deliveries/retry',
    status: 200,
    tests: { 'has deliveries': 'pm.expect(json.deliveries).to.be.an("array")' },
  },
  {
    name: 'What lists can be filtered by',
    call: 'GET /tasks/fields',
    status: 200,
    tests: { 'has paths': 'pm.expect(json.fields).to.be.an("array")' },
  },
  {
    name: 'List',
    call: 'GET /tasks',
    query: { page_size: '5', type: 'sum' },
    status: 200,
    tests: {
      'has tasks': 'pm.expect(json.tasks.length).to.be.above(0)',
      'has totals': 'pm.expect(json.pagination.total_tasks).to.be.above(0)',
    },
  },
  {
    name: 'Get',
    call: 'GET /tasks/{{taskId}}',
    status: 200,
    tests: {
      ...isStatus('COMPLETED'),
      'has its attempt': 'pm.expect(json.attempts).to.have.length(1)',
      'says whether it was cached':
        "pm.expect(pm.response.headers.get('X-Cache')).to.be.oneOf(['HIT', 'MISS'])",
    },
  },
  {
    name: 'Get one that is not there',
    call: 'GET /tasks/0199b3c2-0000-7000-8000-000000000000',
    status: 404,
    tests: { 'says so': "pm.expect(json.code).to.equal('task_not_found')" },
  },
  {
    name: 'Read its log',
    call: 'GET /tasks/{{taskId}}/logs',
    status: 200,
    tests: { 'is empty': 'pm.expect(json.lines).to.eql([])' },
  },
  {
    name: 'Get its status',
    call: 'GET /tasks/{{taskId}}/status',
    status: 200,
    tests: isStatus('COMPLETED'),
  },
  {
    name: 'Edit',
    call: 'PATCH /tasks/{{laterId}}',
    body: { priority: 'HIGH' },
    status: 200,
    tests: { 'moves it': "pm.expect(json.queue).to.equal('default-high')" },
  },
  {
    name: 'Edit by PUT',
    call: 'PUT /tasks/{{laterId}}',
    body: { title: 'Renamed' },
    status: 200,
    tests: { 'renames it': "pm.expect(json.title).to.equal('Renamed')" },
  },
  {
    name: 'Pause',
    call: 'POST /tasks/{{laterId}}/pause',
    status: 200,
    tests: isStatus('PAUSED'),
  },
  { name: 'Resume', call: 'POST /tasks/{{laterId}}/resume', status: 200, tests: isStatus('NEW') },
  {
    name: 'Cancel',
    call: 'POST /tasks/{{laterId}}/cancel',
    status: 200,
    tests: isStatus('CANCELLED'),
  },
  {
    name: 'Run again',
    call: 'POST /tasks/{{laterId}}/retry',
    status: 200,
    tests: isStatus('PENDING'),
  },
  {
    name: 'A finished task cannot be cancelled',
    call: 'POST /tasks/{{taskId}}/cancel',
    status: 409,
    tests: { 'says its status': "pm.expect(json.task_status).to.equal('COMPLETED')" },
  },
  { name: 'Delete', call: 'DELETE /tasks/{{taskId}}', status: 204 },
];
