import { env } from 'cloudflare:workers';
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { app } from '../../src/http/app.ts';
import { call, finished, submit } from '../support/client.ts';
import { storeKey } from '../support/keys.ts';

// Walks the OpenAPI document: every operation with its examples and with generated bad requests.
// Every answer must have a documented status and a body that fits its schema, and none may be a
// 500.

interface Operation {
  operationId: string;
  parameters: { name: string; in: string; required: boolean }[];
  requestBody?: {
    content: Record<string, { schema: object; examples?: Record<string, { value: unknown }> }>;
  };
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}
interface Api {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

const api = (await (await call('/openapi.json')).json()) as Api;
const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    path,
    method: method.toUpperCase(),
    operation,
  })),
);

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema({ $id: 'api', components: api.components });
const validators = new Map<object, ValidateFunction>();
const validatorOf = (schema: object): ValidateFunction => {
  const found =
    validators.get(schema) ??
    ajv.compile(
      JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components')) as object,
    );
  validators.set(schema, found);
  return found;
};

/** Holds an answer against what is documented of it. */
const assertDocumented = async (operation: Operation, response: Response): Promise<void> => {
  const documented = operation.responses[response.status];
  const type = response.headers.get('Content-Type')?.split(';')[0] ?? '';
  const where = `${operation.operationId} ${response.status}`;
  expect(documented, where).toBeDefined();
  expect(response.status, where).not.toBe(500);
  const media = documented?.content?.[type] ?? documented?.content?.['*/*'];
  if (response.webSocket || response.status === 204) return;
  const text = await response.text();
  if (documented?.content) expect(media, `${where} ${type}: ${text.slice(0, 300)}`).toBeDefined();
  if (!media || media === documented?.content?.['*/*'] || !/[/+]json$/.test(type)) return;
  const validate = validatorOf(media.schema);
  if (!validate(JSON.parse(text)))
    throw new Error(`${where}: ${ajv.errorsText(validate.errors)} in ${text.slice(0, 500)}`);
};

let taskId: string;
let exportLine: string;
beforeAll(async () => {
  taskId = (await finished((await submit('sum', { a: 1, b: 2 })).task_id)).task_id;
  await call('/files/sample.csv', { method: 'PUT', body: 'a\n1\n' });
  const [line = ''] = (await (await call('/export')).text()).split('\n');
  exportLine = line;
  await env.FILES.put(':archive/local/2026-11-26/sample.ndjson', `${line}\n`);
});

const nameIn = (path: string): string => {
  if (path.startsWith('/task-types')) return 'conforming';
  if (path.startsWith('/archive')) return 'sample.ndjson';
  return path.startsWith('/files') ? 'sample.csv' : 'external-low';
};

/** Registers a type, and leases one of its tasks: the token of its run. */
const leaseRun = async (): Promise<string> => {
  await call('/task-types/conforming', {
    method: 'PUT',
    ...asJson('{ "description": "For this test", "run": { "worker": {} } }'),
  });
  await submit('conforming');
  const body = JSON.stringify({ worker: 'test', types: ['conforming'] });
  const answer = await call('/work', { method: 'POST', ...asJson(body) });
  const text = await answer.text();
  const [task] = (JSON.parse(text) as { tasks?: { run: string }[] }).tasks ?? [];
  return task?.run ?? text;
};

const createSchedule = async (): Promise<string> => {
  const task = { type: 'sum', params: { a: 1, b: 2 } };
  const name = `conforming-${crypto.randomUUID().slice(0, 8)}`;
  const init = asJson(JSON.stringify({ name, cron: '0 0 1 1 *', task }));
  const { schedule_id: id } = await (
    await call('/schedules', { method: 'POST', ...init })
  ).json<{ schedule_id: string }>();
  return id;
};

const createFlow = async (): Promise<string> => {
  const tasks = { one: { type: 'simulate', params: { duration: 5 } } };
  const answer = await call('/flows', { method: 'POST', ...asJson(JSON.stringify({ tasks })) });
  return (await answer.json<{ flow_id: string }>()).flow_id;
};

/** A path with values that exist. */
const filled = (path: string): string =>
  path
    .replace('{id}', taskId)
    .replace('{name}', nameIn(path))
    .replace('{key}', 'some-limit')
    .replace('{day}', '2026-11-26')
    .replace('{owner}', 'nobody')
    .replace('{fingerprint}', '0123456789abcdef');

const ask = (path: string, method: string, init: RequestInit = {}): Promise<Response> =>
  call(path, { ...init, method });
const asJson = (body: string): RequestInit => ({
  body,
  headers: { 'Content-Type': 'application/json' },
});

describe('the document', () => {
  it('has every route, and every route is in it', () => {
    const routes = app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(
        ({ method, path }) =>
          `${method} ${path.replaceAll(/:(\w+)/g, '{$1}').replace(/(?<=.)\/$/, '')}`,
      );
    expect(new Set(operations.map(({ method, path }) => `${method} ${path}`))).toEqual(
      new Set(routes),
    );
  });

  it('has ids of its own, and summaries', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(JSON.stringify(api)).not.toMatch(/\$defs|"\$schema"/);
  });
});

describe.each(operations.map((each) => [`${each.method} ${each.path}`, each] as const))(
  '%s',
  (_name, { path, method, operation }) => {
    const [media] = Object.entries(operation.requestBody?.content ?? {});
    const examples = Object.entries(media?.[1].examples ?? {});
    // Deletes and purges come last by themselves: what they would take away is made anew.
    it.each(examples.length > 0 ? examples : [['no body', { value: undefined }]])(
      'answers its example: %s',
      async (_example, { value }) => {
        const isUpload = media !== undefined && media[0] !== 'application/json';
        const init =
          value === undefined
            ? isUpload
              ? { body: path === '/restore' ? exportLine : 'a\n1\n' }
              : {}
            : asJson(JSON.stringify(value));
        const run =
          path.startsWith('/runs') || path.startsWith('/task-types') ? await leaseRun() : '';
        if (path.startsWith('/runs'))
          Object.assign(init, {
            headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${run}` },
          });
        if (value !== undefined) expect(validatorOf(media?.[1].schema ?? {})(value)).toBe(true);
        if (path === '/tasks/{id}/retry')
          taskId = (await finished((await submit('broken', {}, { max_attempts: 1 })).task_id))
            .task_id;
        const before = taskId;
        const isOfTask = !/^\/(schedules|flows|keys)\//.test(path) && path.includes('{id}');
        if (path.startsWith('/limits/{key}'))
          await ask('/limits/some-limit', 'PUT', asJson('{"max_running":2}'));
        if (path.startsWith('/schedules/{id}')) taskId = await createSchedule();
        if (path.startsWith('/flows/{id}')) taskId = await createFlow();
        if (path.startsWith('/keys/{id}')) taskId = (await storeKey('x', ['admin'])).id;
        const query = operation.parameters
          .filter((each) => each.in === 'query' && each.required)
          .map(({ name }) => `${name}=${taskId}`)
          .join('&');
        const response = await ask(
          `${filled(path)}${query === '' ? '' : `?${query}`}`,
          method,
          path.endsWith('/events') ? { headers: { Accept: 'text/event-stream' } } : init,
        );
        if (!isOfTask) taskId = before;
        if (path.endsWith('purge') || (method === 'DELETE' && isOfTask))
          taskId = (await finished((await submit('sum', { a: 1, b: 2 })).task_id)).task_id;
        if (method === 'DELETE' && path.startsWith('/files'))
          await call('/files/sample.csv', { method: 'PUT', body: 'a\n1\n' });
        if (path === '/events') return response.body?.cancel();
        // Commands may find that the task has ended meanwhile.
        // This type has no endpoint to be tested.
        if (path.endsWith('/test')) expect(response.status).toBe(422);
        else
          expect(
            [200, 201, 202, 204, 409],
            response.ok ? '' : await response.clone().text(),
          ).toContain(response.status);
        await assertDocumented(operation, response);
      },
    );

    it.runIf(media?.[0] === 'application/json')('answers bad bodies as documented', async () => {
      const [, first] = examples[0] ?? [];
      const good = first?.value as Record<string, unknown>;
      const field = Object.keys(good)[0] ?? '';
      const bodies: BodyInit[] = [
        '',
        '{',
        'null',
        '[]',
        '"text"',
        '5',
        '{}',
        '[1]',
        JSON.stringify({ ...good, surplus: 1 }),
        JSON.stringify({ ...good, [field]: undefined }),
        JSON.stringify({ ...good, [field]: 5 }),
        JSON.stringify({ ...good, [field]: { deep: [] } }),
        JSON.stringify(good).replace('{', '{"__proto__":{"x":1},'),
        JSON.stringify(good).replace('{', '{"constructor":1,'),
        `${'['.repeat(10_000)}${']'.repeat(10_000)}`,
        JSON.stringify({ ...good, [field]: 'x'.repeat(1_200_000) }),
        JSON.stringify({ ...good, title: '\ud800 lone' }),
        new Uint8Array([0xff, 0xfe, 0x00]),
      ];
      for (const body of bodies)
        await assertDocumented(
          operation,
          await ask(filled(path), method, {
            body,
            headers: { 'Content-Type': 'application/json' },
          }),
        );
      await assertDocumented(
        operation,
        await ask(filled(path), method, {
          body: 'a=b',
          headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        }),
      );
    });

    it.runIf(path.includes('{'))('answers unknown and impossible names as documented', async () => {
      for (const name of [
        '0199b3c2-0000-7000-8000-000000000000',
        'nonsense',
        '%00',
        '..%2f',
        'é',
        'x'.repeat(3_000),
        '__proto__',
      ]) {
        const response = await ask(
          path.replaceAll(/\{\w+\}/g, name),
          method,
          media ? asJson(JSON.stringify(examples[0]?.[1].value ?? {})) : {},
        );
        // A new file, a type and a queue may be called so.
        expect([200, 201, 204, 404, 422, 426]).toContain(response.status);
        await assertDocumented(operation, response);
      }
    });

    it.runIf(operation.parameters.some((each) => each.in === 'query'))(
      'answers bad queries as documented',
      async () => {
        const names = operation.parameters
          .filter((each) => each.in === 'query')
          .map(({ name }) => name);
        for (const name of [...names, 'surplus', '__proto__', 'params.x', 'params.'])
          for (const value of ['', 'nonsense', '-1', '1e9', '%00', '%F0%9F', 'a'.repeat(3_000)])
            await assertDocumented(
              operation,
              await ask(`${filled(path)}?${name}=${value}&${name}=${value}`, method),
            );
      },
    );
  },
);

/** Requests that a machine made up; deeper by FUZZ_RUNS. */
it('answers no request with 500', async () => {
  const runs = inject('model').fuzz;
  const words = [
    ...new Set(
      operations.flatMap(({ operation }) =>
        Object.values(operation.requestBody?.content ?? {}).flatMap(({ examples }) =>
          Object.values(examples ?? {}).flatMap(({ value }) => Object.keys(value as object)),
        ),
      ),
    ),
  ];
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('sum', 'HIGH', 1, -1, null, '2026-01-01T00:00:00Z', 'https://example.com/'),
    fc.string({ unit: 'binary' }),
  );
  const body = fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .dictionary(
          fc.oneof(
            fc.constantFrom(...words),
            fc.constantFrom('__proto__', 'constructor', 'params'),
            fc.string(),
          ),
          value,
          { maxKeys: 6 },
        )
        .map((each) => JSON.stringify(each)),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.constantFrom(
            'sum',
            'longest_consecutive_letters',
            'data_processing',
            'file_processing',
            'email_sending',
            'flaky',
          ),
          value,
        )
        .map(([type, params]) => JSON.stringify({ type, params })),
    },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  );
  // What purges, or waits long, is left out; so is what needs no body at all.
  const posts = operations.filter(
    ({ operation, path }) => operation.requestBody && !path.endsWith('purge'),
  );
  const queries = operations.filter(({ operation }) =>
    operation.parameters.some((each) => each.in === 'query'),
  );
  const request = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ entry: fc.constantFrom(...posts), body, query: fc.constant('') }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        entry: fc.constantFrom(...queries),
        body: fc.constant(''),
        query: fc.webQueryParameters(),
      }),
    },
  );
  let asked = 0;
  await fc.assert(
    fc.asyncProperty(request, async ({ entry: { path, method, operation }, body: text, query }) => {
      asked += 1;
      const init = operation.requestBody ? asJson(text) : {};
      await assertDocumented(
        operation,
        await ask(`${filled(path)}${query === '' ? '' : `?${query}`}`, method, init),
      );
    }),
    { numRuns: runs, endOnFailure: true },
  );
  console.log(`fuzz: ${asked} requests, every answer as documented, no 500`);
}, 600_000);
