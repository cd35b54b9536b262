import { writeFileSync } from 'node:fs';
import { tasksSteps } from './postman/tasks.ts';
import { liveSteps } from './postman/live.ts';
import { flowSteps } from './postman/flows.ts';
import { limitSteps } from './postman/limits.ts';
import { scheduleSteps } from './postman/schedules.ts';
import { typesAndQueuesSteps } from './postman/types-and-queues.ts';
import { filesSteps } from './postman/files.ts';
import { olderApisSteps } from './postman/older-apis.ts';
import { operationsSteps } from './postman/operations.ts';
import type { Step } from './postman/step.ts';

// Writes docs/tasker.postman_collection.json: one request for each route, in an order in which they
// work from top to bottom, each with its tests. test/e2e/api.test.ts runs it, and finds routes that
// are missing.

const OUT = new URL('../docs/tasker.postman_collection.json', import.meta.url);
const FLOW: Record<string, Step[]> = {
  Tasks: tasksSteps,
  Live: liveSteps,
  Schedules: scheduleSteps,
  Limits: limitSteps,
  Flows: flowSteps,
  'Types and queues': typesAndQueuesSteps,
  Files: filesSteps,
  'Older APIs': olderApisSteps,
  Operations: operationsSteps,
};

const toScript = ({ status, tests = {}, keep = {} }: Step): string[] => [
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

const toItem = (step: Step): object => {
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
      ...(step.token !== undefined && {
        auth: { type: 'bearer', bearer: [{ key: 'token', value: `{{${step.token}}}` }] },
      }),
      header: Object.entries(headers).map(([key, value]) => ({ key, value })),
      url: { raw, host: ['{{baseUrl}}'], path: segments, ...(query.length > 0 && { query }) },
      ...(step.body !== undefined && {
        body: { mode: 'raw', raw: isText ? step.body : JSON.stringify(step.body, null, 2) },
      }),
    },
    event: [{ listen: 'test', script: { type: 'text/javascript', exec: toScript(step) } }],
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
  item: Object.entries(FLOW).map(([name, steps]) => ({ name, item: steps.map(toItem) })),
};
writeFileSync(OUT, `${JSON.stringify(collection, null, 2)}\n`);
console.log(`${OUT.pathname}: ${Object.values(FLOW).flat().length} requests`);
