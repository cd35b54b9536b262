import { writeFileSync } from 'node:fs';

// Writes docs/tasker.postman_collection.json: one request for each route, in an order in which they
// work from top to bottom, each with its tests. test/e2e/api.test.ts runs it, and finds routes that
// are missing.

interface Step {
  name: string;
  call: string;
  body?: unknown;
  headers?: Record<string, string>;
  query?: Record<string, string>;
  status: number | number[];
  /** JavaScript that looks at `json`; the text is its test's name. */
  tests?: Record<string, string>;
  /** Variables for later requests: name and expression on `json`. */
  keep?: Record<string, string>;
}

const OUT = new URL('../docs/tasker.postman_collection.json', import.meta.url);
const SUM = { type: 'sum', params: { a: 5, b: 3 } };
const LATER = { ...SUM, title: 'Later', delay_seconds: 3_600 };
const isStatus = (status: string) => ({
  [`is ${status}`]: `pm.expect(json.status).to.equal('${status}')`,
});

const FLOW: Record<string, Step[]> = {
  Tasks: [
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
  ],
  Live: [
    { name: 'Watching one needs a stream', call: 'GET /tasks/{{laterId}}/events', status: 426 },
    { name: 'Watching all needs a stream', call: 'GET /events', status: 426 },
    {
      name: 'Get a ticket for a browser',
      call: 'POST /events/ticket',
      status: 200,
      tests: { 'is good for a while': 'pm.expect(json.expires_in).to.equal(30)' },
    },
  ],
  'Types and queues': [
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
  ],
  Files: [
    {
      name: 'Put a file',
      call: 'PUT /files/postman.csv',
      body: 'city,sold\nLisbon,3\n',
      headers: { 'Content-Type': 'text/csv' },
      status: [200, 201],
      tests: { 'has its size': 'pm.expect(json.bytes).to.equal(19)' },
    },
    {
      name: 'List files',
      call: 'GET /files',
      status: 200,
      tests: { 'has it': "pm.expect(json.files.map((f) => f.name)).to.include('postman.csv')" },
    },
    { name: 'Get a file', call: 'GET /files/postman.csv', status: 200 },
    {
      name: 'Summarize it',
      call: 'POST /tasks',
      body: { type: 'file_processing', params: { file: 'postman.csv', operation: 'summarize' } },
      headers: { Prefer: 'wait=20' },
      status: 200,
      tests: { 'has its rows': 'pm.expect(json.result.rows).to.equal(1)' },
    },
    { name: 'Delete a file', call: 'DELETE /files/postman.csv', status: 204 },
  ],
  'Older APIs': [
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
  ],
  'Around it': [
    {
      name: 'Health',
      call: 'GET /health',
      status: 200,
      tests: { 'is up': "pm.expect(json.status).to.equal('ok')" },
    },
    {
      name: 'Figures',
      call: 'GET /stats',
      query: { minutes: '60' },
      status: 200,
      tests: { 'counts by status': 'pm.expect(json.counts).to.have.property("COMPLETED")' },
    },
    {
      name: 'What fails',
      call: 'GET /errors',
      status: 200,
      tests: { 'is grouped': 'pm.expect(json.groups).to.be.an("array")' },
    },
    { name: 'Metrics', call: 'GET /metrics', status: 200 },
    {
      name: 'The OpenAPI document',
      call: 'GET /openapi.json',
      status: 200,
      tests: { 'is 3.1': "pm.expect(json.openapi).to.equal('3.1.0')" },
    },
    { name: 'Swagger UI', call: 'GET /docs', status: 200 },
    { name: 'The reading view', call: 'GET /redoc', status: 200 },
    {
      name: 'Make a key',
      call: 'POST /keys',
      body: { owner: 'postman', name: 'collection', scopes: ['tasks:read'], expires_in_days: 1 },
      status: 201,
      keep: { keyId: 'json.id', newKey: 'json.key' },
      tests: { 'is shown this once': 'pm.expect(json.key).to.match(/^tk_/)' },
    },
    {
      name: 'List keys',
      call: 'GET /keys',
      status: 200,
      tests: {
        'has it':
          "pm.expect(json.keys.map((k) => k.id)).to.include(pm.collectionVariables.get('keyId'))",
      },
    },
    { name: 'Revoke the key', call: 'DELETE /keys/{{keyId}}', status: 204 },
    { name: 'No such route', call: 'GET /nowhere', status: 404 },
  ],
};

const scriptOf = ({ status, tests = {}, keep = {} }: Step): string[] => [
  `pm.test('answers ${[status].flat().join(' or ')}', () => pm.expect(pm.response.code).to.be.oneOf(${JSON.stringify([status].flat())}));`,
  "pm.test('names the request', () => pm.response.to.have.header('X-Request-Id'));",
  ...(Object.keys(tests).length + Object.keys(keep).length > 0
    ? ['const json = pm.response.json();']
    : []),
  ...Object.entries(tests).map(
    ([name, code]) => `pm.test(${JSON.stringify(name)}, () => { ${code}; });`,
  ),
  ...Object.entries(keep).map(([name, code]) => `pm.collectionVariables.set('${name}', ${code});`),
];

const itemOf = (step: Step): object => {
  const [method, path = ''] = step.call.split(' ');
  const segments = path.slice(1).split('/');
  const query = Object.entries(step.query ?? {}).map(([key, value]) => ({ key, value }));
  const isText = typeof step.body === 'string';
  const headers = {
    ...(step.body !== undefined && !isText && { 'Content-Type': 'application/json' }),
    ...step.headers,
  };
  const raw = `{{baseUrl}}${path}${query.length > 0 ? `?${query.map(({ key, value }) => `${key}=${value}`).join('&')}` : ''}`;
  return {
    name: step.name,
    request: {
      method,
      header: Object.entries(headers).map(([key, value]) => ({ key, value })),
      url: { raw, host: ['{{baseUrl}}'], path: segments, ...(query.length > 0 && { query }) },
      ...(step.body !== undefined && {
        body: { mode: 'raw', raw: isText ? step.body : JSON.stringify(step.body, null, 2) },
      }),
    },
    event: [{ listen: 'test', script: { type: 'text/javascript', exec: scriptOf(step) } }],
  };
};

const collection = {
  info: {
    name: 'Tasker',
    description:
      'Every route, in an order in which they work from top to bottom. Set baseUrl to your service.',
    schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
  },
  // Empty under `wrangler dev` until the first key is made; then fill it in.
  variable: [
    { key: 'baseUrl', value: 'http://localhost:8787' },
    { key: 'apiKey', value: '' },
  ],
  auth: { type: 'bearer', bearer: [{ key: 'token', value: '{{apiKey}}' }] },
  item: Object.entries(FLOW).map(([name, steps]) => ({ name, item: steps.map(itemOf) })),
};
writeFileSync(OUT, `${JSON.stringify(collection, null, 2)}\n`);
console.log(`${OUT.pathname}: ${Object.values(FLOW).flat().length} requests`);
