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
  { name: 'Every error', call: 'GET /docs/errors', status: 200 },
  { name: 'No such route', call: 'GET /nowhere', status: 404 },
];
