import type { Step } from './step.ts';

export const operationsSteps: Step[] = [
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
    keep: {
      fingerprint: 'json.groups.length > 0 ? json.groups[0].fingerprint : "0123456789abcdef"',
    },
    tests: { 'is grouped': 'pm.expect(json.groups).to.be.an("array")' },
  },
  {
    name: 'Mute a group of errors until it happens again',
    call: 'POST /errors/{{fingerprint}}/mute',
    status: 204,
  },
  { name: 'Show it again', call: 'POST /errors/{{fingerprint}}/unmute', status: 204 },
  {
    name: 'Who the caller is',
    call: 'GET /session',
    status: 200,
    tests: { 'has scopes': 'pm.expect(json.scopes).to.be.an("array").that.is.not.empty' },
  },
  {
    name: 'The tools of an agent',
    call: 'POST /mcp',
    body: { jsonrpc: '2.0', id: 1, method: 'tools/list' },
    status: 200,
    tests: {
      'has submit_task':
        'pm.expect(json.result.tools.map((t) => t.name)).to.include("submit_task")',
    },
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
    name: 'Create a key',
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
  {
    name: 'Sign in, as our own page does',
    call: 'POST /session',
    body: { hours: 1 },
    status: 201,
    tests: { ends: 'pm.expect(json.expires_at).to.be.a("string")' },
  },
  {
    name: 'Sign out',
    call: 'DELETE /session',
    status: 204,
  },
  {
    name: 'What the key has planted',
    call: 'GET /keys/{{keyId}}/planted',
    status: 200,
    tests: { 'is nothing': 'pm.expect(json.schedules).to.be.empty' },
  },
  { name: 'Revoke the key', call: 'DELETE /keys/{{keyId}}', status: 204 },
  {
    name: 'The audit log',
    call: 'GET /audit',
    query: { page_size: '10' },
    status: 200,
    tests: { 'has the key': "pm.expect(json.entries[0].action).to.equal('key.revoked')" },
  },
  {
    name: 'The webhook secret',
    call: 'GET /webhook-secret',
    status: 200,
    tests: { 'is one': 'pm.expect(json.secret).to.match(/^whsec_/)' },
  },
  {
    name: 'Rotate the webhook secret',
    call: 'POST /webhook-secret/rotate',
    status: 200,
    tests: { 'keeps the one before': 'pm.expect(json.previous.secret).to.match(/^whsec_/)' },
  },
  {
    name: 'Erase an owner',
    call: 'DELETE /owners/postman',
    status: 200,
    tests: { 'is gone': "pm.expect(json.owner).to.equal('postman')" },
  },
  {
    name: 'How each database stands',
    call: 'GET /shards',
    status: 200,
    tests: { 'has the first': 'pm.expect(json.shards[0].shard).to.equal(0)' },
  },
  {
    name: 'Which owners are pinned where',
    call: 'GET /shards/owners',
    status: 200,
    tests: { 'is a list': 'pm.expect(json.owners).to.be.an("array")' },
  },
  {
    name: 'Move an owner to where it is',
    call: 'POST /shards/moves',
    body: { owner: 'postman', to: 0 },
    status: 200,
    tests: { 'is done': "pm.expect(json.phase).to.equal('done')" },
  },
  { name: 'Every error', call: 'GET /docs/errors', status: 200 },
  { name: 'No such route', call: 'GET /nowhere', status: 404 },
];
