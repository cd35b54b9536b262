import * as fc from 'fast-check';
import { exports } from 'cloudflare:workers';
import { expect, inject, it } from 'vitest';
import { app } from '../../src/http/app.ts';
import type { TaskView } from '../../src/domain/view.ts';
import { call } from '../support/client.ts';
import { usualKey } from '../support/keys.ts';

// Hostile texts over every route: no request is answered with 5xx, and what was accepted reads back
// equal.

const BACKSLASH = String.fromCharCode(92);
const escape = (code: string): string => `${BACKSLASH}u${code}`;

/** Texts as JSON writes them, some of which nothing else can. */
const texts = [
  '""',
  '" "',
  `"${escape('0000')}"`,
  `"a${escape('0000')}b"`,
  `"${escape('d83d')}"`,
  `"a${escape('dc00')}b"`,
  `"${escape('d83d')}${escape('dc4d')}"`,
  `"e${escape('0301')}"`,
  '"é"',
  '"가"',
  `"${escape('202e')}evil${escape('202c')}"`,
  `"${escape('200b')}"`,
  `"${escape('feff')}x"`,
  `"${escape('2028')}"`,
  '"__proto__"',
  '"constructor"',
  '"toString"',
  `"' OR 1=1; --"`,
  '"$.[]*"',
  `"${BACKSLASH}"${BACKSLASH}${BACKSLASH}"`,
  '"%00%2e%2e/"',
  '"<script>"',
  '"2026-13-45T99:99:99Z"',
  `"${'x'.repeat(300)}"`,
  `"${'👍'.repeat(120)}"`,
  '"null"',
  '"1e400"',
];
const numbers =
  `0 -0 1 -1 0.1 1e2 1.0 9007199254740991 9007199254740992 9007199254740993 -9007199254740993
  1e400 -1e400 1e-400 5e-324 1e308 123456789012345678901234567890 0.12345678901234567890
  2147483648 31536001`.split(/\s+/);
const scalar = fc.constantFrom(...texts, ...numbers, 'true', 'false', 'null');
const names = texts.filter((text) => text.length < 60);

/** JSON of hostile parts, some of it deep or wide. */
const json = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
    fc
      .array(fc.tuple(fc.constantFrom(...names), tie('value')), { maxLength: 4 })
      .map((pairs) => `{${pairs.map(([name, value]) => `${name}:${value}`).join(',')}}`),
    fc.integer({ min: 1, max: 70 }).map((deep) => `${'['.repeat(deep)}1${']'.repeat(deep)}`),
    fc.integer({ min: 1, max: 300 }).map((wide) => `[${Array(wide).fill('{"a":1}').join(',')}]`),
  ),
})).value;

/** A submit with hostile words, in each of its forms. */
const submit = fc
  .record({
    data: json,
    title: fc.oneof(scalar, json),
    tag: scalar,
    form: fc.constantFrom('native', 'bulk', 'run-task', 'api-tasks'),
  })
  .map(({ data, title, tag, form }) => {
    const params = `{"data":${data}}`;
    if (form === 'run-task')
      return {
        path: '/run-task',
        body: `{"task_name":"data_processing","task_parameters":${params}}`,
        data,
      };
    if (form === 'api-tasks')
      return {
        path: '/api/tasks',
        body: `{"task_type":"data_processing","parameters":${params}}`,
        data,
      };
    const task = `{"type":"data_processing","params":${params},"title":${title},"tags":[${tag}],"delay_seconds":3600}`;
    return form === 'bulk'
      ? { path: '/tasks/bulk', body: `{"tasks":[${task}]}`, data }
      : { path: '/tasks', body: task, data };
  });

const routes = app.routes.filter(
  ({ method, path }) =>
    method !== 'ALL' &&
    !path.includes('purge') &&
    !path.includes('/owners') &&
    !path.endsWith('/pause'),
);
const segment = fc.constantFrom(
  ...texts.map((text) => encodeURIComponent(text.slice(1, 40).toWellFormed())),
  'sum',
  '..',
  '%00',
  '%ff',
  '%E0%A4%A',
);
const other = fc
  .record({
    route: fc.constantFrom(...routes),
    segment,
    query: fc.array(fc.tuple(segment, segment), { maxLength: 3 }),
    body: json,
  })
  .map(({ route: { method, path }, segment: value, query, body }) => ({
    method,
    path: `${path.replaceAll(/:\w+/g, value)}?${query.map(([name, each]) => `${name}=${each}`).join('&')}`,
    body,
    data: null,
  }));

const header = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  { weight: 3, arbitrary: fc.uuid() },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', ' ', 'x'.repeat(201), '__proto__', 'a#1', "' OR 1=1", 'k'),
  },
);
const hostile = fc.record({
  request: fc.oneof(
    submit.map((each) => ({ ...each, method: 'POST' })),
    other,
  ),
  key: fc.oneof(
    { weight: 9, arbitrary: fc.constant(usualKey.key) },
    { weight: 1, arbitrary: fc.constantFrom(null, 'tk_nonsense', 'tt_x.y') },
  ),
  idempotencyKey: header,
});

const wellFormed = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_name, each: unknown) =>
    typeof each === 'string' ? each.toWellFormed() : each,
  );
/** The value that was sent, as it must read back: texts without a UTF-8 form are made well-formed. */
const toExpected = (text: string): string => {
  const rename = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(rename);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name.toWellFormed(), rename(each)]),
    );
  };
  return JSON.stringify(rename(wellFormed(JSON.parse(text))));
};

it('answers no hostile request with 5xx, and gives back what it took', async () => {
  let [asked, taken] = [0, 0];
  const byStatus = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(
      hostile,
      async ({ request: { method, path, body, data }, key, idempotencyKey }) => {
        asked += 1;
        const headers = new Headers({ 'Content-Type': 'application/json' });
        if (key !== null) headers.set('Authorization', `Bearer ${key}`);
        if (idempotencyKey !== undefined) headers.set('Idempotency-Key', idempotencyKey);
        const hasBody = !['GET', 'HEAD'].includes(method);
        const response = await exports.default.fetch(
          new Request(`http://localhost:8787${path}`, {
            method,
            headers,
            ...(hasBody && { body }),
          }),
        );
        byStatus.set(response.status, (byStatus.get(response.status) ?? 0) + 1);
        if (response.status >= 500) throw new Error(`${response.status}: ${await response.text()}`);
        if (data === null || ![200, 202].includes(response.status)) {
          await response.body?.cancel();
          return;
        }
        const answer = await response.json<{
          task_id?: string;
          task_uuid?: string;
          tasks?: { task_id: string }[];
        }>();
        // A key that was used before answers with the task of that time.
        if (response.headers.get('Idempotent-Replayed')) return;
        const id = answer.task_id ?? answer.task_uuid ?? answer.tasks?.[0]?.task_id;
        const task = await (await call(`/tasks/${id}`)).json<TaskView>();
        taken += 1;
        expect(JSON.stringify((task.params as { data: unknown }).data)).toBe(toExpected(data));
      },
    ),
    { numRuns: inject('model').hostile, endOnFailure: true },
  );
  const statuses = [...byStatus].toSorted().map(([status, n]) => `${n} × ${status}`);
  console.log(`hostile: ${asked} requests, ${taken} read back equal; ${statuses.join(', ')}`);
  expect(taken).toBeGreaterThan(asked / 20);
}, 1_200_000);
