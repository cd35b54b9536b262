import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { connect } from '../../scripts/tasker.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TaskDetail, TaskView } from '../../src/domain/view.ts';
import { freePort, startService, temporaryState, type Service } from '../../scripts/service.ts';
import { startOutside, type Received } from '../support/setup/outside.ts';

// What Tasker asks of others and tells to others, from the built Worker, over real HTTP.

const SECRET = 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz';
let service: Service;
let outside: Awaited<ReturnType<typeof startOutside>>;
let state: string;
let receiverPort: number;
beforeAll(async () => {
  [state, outside, receiverPort] = await Promise.all([
    temporaryState(),
    startOutside(),
    freePort(),
  ]);
  service = await startService(await freePort(), state, [
    'OPENAI_API_KEY:a-model-key',
    `OPENAI_BASE_URL:${outside.url}/ok/v1`,
    'OPENWEATHER_API_KEY:a-weather-key',
    `OPENWEATHER_BASE_URL:${outside.url}/ok`,
    `WEBHOOK_SECRETS:${SECRET}`,
    `CALLBACK_HOSTS:${new URL(outside.url).host},localhost:${receiverPort}`,
    `FAILURE_WEBHOOK_URL:${outside.url}/hook/failures`,
    'FAILURE_EMAIL_TO:ops@example.com',
  ]);
});
afterAll(async () => {
  await Promise.all([service.kill(), outside.close()]);
  await rm(state, { recursive: true, force: true });
});

const submit = (type: string, params: object, more: object = {}): Promise<TaskView> =>
  connect(service.url).submit({ type, params, ...more });

const until = async <T>(look: () => Promise<T>, fits: (found: T) => boolean): Promise<T> => {
  for (;;) {
    const found = await look();
    if (fits(found)) return found;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
};
const detail = (id: string): Promise<TaskDetail> => connect(service.url).get(id);
const finished = (id: string): Promise<TaskDetail> =>
  until(
    () => detail(id),
    ({ completed_at }) => completed_at !== null,
  );
const received = async (name: string): Promise<Received[]> =>
  (await fetch(`${outside.url}/received/${name}`)).json() as never;

it.concurrent('asks the providers', async () => {
  const [said, seen] = await Promise.all([
    submit('chatgpt', { prompt: 'Hello', max_tokens: 1_000, temperature: 0.7 }),
    submit('weather', { city: 'Lisbon' }),
  ]);
  expect((await finished(said.task_id)).result).toMatchObject({
    model: 'gpt-3.5-turbo',
    response: 'You said: Hello (1000, 0.7)',
    usage: { total_tokens: 12 },
  });
  expect((await finished(seen.task_id)).result).toMatchObject({
    city: 'Lisbon',
    units: 'metric',
    temperature: 21.5,
  });
  const again = await submit('weather', { city: 'Lisbon', units: 'metric' });
  expect(again).toMatchObject({ status: 'COMPLETED', reused_from: seen.task_id });
});

it.concurrent('comes to terms with every way in which they fail', async () => {
  const codes = {
    '400': 'provider_refused',
    '401': 'provider_refused_key',
    '404': 'provider_refused',
    '429': 'provider_rate_limited',
    '500': 'provider_unavailable',
    garbage: 'provider_bad_answer',
    html: 'provider_bad_answer',
    hangs: 'timeout',
    drops: 'provider_unavailable',
    huge: /^provider_(bad_answer|unavailable)$/,
  };
  const asked = await Promise.all(
    Object.entries(codes).flatMap(([how, code]) => {
      const more = { max_attempts: 1, timeout_seconds: how === 'hangs' ? 1 : 20 };
      const weatherCode = how === '404' ? 'city_not_found' : code;
      return [
        submit('chatgpt', { prompt: `fault:${how}` }, more).then(({ task_id }) => ({
          how,
          task_id,
          code,
        })),
        submit('weather', { city: `fault:${how}` }, more).then(({ task_id }) => ({
          how,
          task_id,
          code: weatherCode,
        })),
      ];
    }),
  );
  for (const { how, task_id, code } of asked) {
    const task = await finished(task_id);
    expect([how, task.status, task.error?.code]).toEqual([
      how,
      'FAILED',
      expect.stringMatching(code),
    ]);
    expect(JSON.stringify(task)).not.toMatch(/canary|<html|a-model-key|a-weather-key/);
  }
  expect(service.output()).not.toMatch(/canary|<html|a-model-key|a-weather-key|fault:/);
  const metrics = async (): Promise<string> => (await fetch(`${service.url}/metrics`)).text();
  await until(metrics, (text) =>
    /tasker_external_api_requests_total\{task_name="weather",status="500"\} [1-9]/.test(text),
  );
});

it.concurrent('comes back when the provider says', async () => {
  const { task_id } = await submit('weather', { city: 'fault:429' });
  const waiting = await until(
    () => detail(task_id),
    ({ error }) => error !== null,
  );
  expect(Date.parse(waiting.scheduled_at ?? '') - Date.parse(waiting.error?.at ?? '')).toBe(7_000);
});

it.concurrent('writes mail to a file, and says where', async () => {
  const variables = { name: '<b>Ada</b>' };
  const { task_id } = await submit('email_sending', {
    to: ['ada@example.com', 'bob@example.com'],
    subject: 'Hi',
    template: 'welcome',
    variables,
  });
  expect(await finished(task_id)).toMatchObject({
    status: 'COMPLETED',
    result: { to: ['ada@example.com', 'bob@example.com'], subject: 'Hi', template: 'welcome' },
  });
  const refused = await finished(
    (
      await submit('send_email', {
        to: 'ada@example.com',
        subject: 'Hi',
        text: 'x',
        from: 'evil@example.com',
      })
    ).task_id,
  );
  expect(refused).toMatchObject({
    status: 'FAILED',
    attempt: 1,
    error: { code: 'sender_not_allowed' },
  });
  expect(service.output()).toMatch(/\.(txt|html|eml)/);
});

it.concurrent(
  'delivers to a receiver that was down, once it is back, under the same id',
  async () => {
    const { task_id } = await submit(
      'sum',
      { a: 1, b: 2 },
      { callback_url: `http://localhost:${receiverPort}/hook` },
    );
    const open = await until(
      () => detail(task_id),
      ({ deliveries }) => deliveries.some(({ tries }) => tries > 0),
    );
    expect(open).toMatchObject({
      status: 'COMPLETED',
      deliveries: [{ sink: 'callback', state: 'OPEN' }],
    });
    const calls: { headers: Record<string, string>; body: string }[] = [];
    const receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        calls.push({ headers: request.headers as Record<string, string>, body });
        response.writeHead(calls.length === 1 ? 500 : 204).end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(receiverPort, 'localhost', resolve));
    const told = await until(
      () => detail(task_id),
      ({ deliveries }) => deliveries[0]?.state === 'DELIVERED',
    );
    receiver.close();
    expect(calls.map(({ headers }) => headers['webhook-id'])).toEqual([
      told.deliveries[0]?.id,
      told.deliveries[0]?.id,
    ]);
    const { secret } = (await (await fetch(`${service.url}/webhook-secret`)).json()) as {
      secret: string;
    };
    for (const { headers, body } of calls) {
      expect(() => new Webhook(SECRET).verify(body, headers)).toThrow();
      expect(new Webhook(secret).verify(body, headers)).toMatchObject({
        type: 'task.completed',
        data: { task_id, result: { result: 3 } },
      });
    }
  },
);

it.concurrent('posts every failure to the operator, and mails the first at once', async () => {
  const sent = await Promise.all(
    [1, 2, 3].map(() => submit('broken', {}, { max_attempts: 1 }).then(({ task_id }) => task_id)),
  );
  for (const id of sent) {
    const { deliveries } = await until(
      () => detail(id),
      (task) =>
        task.deliveries.some(({ sink, state: is }) => sink !== 'failure_email' && is !== 'OPEN'),
    );
    expect(deliveries.map(({ sink }) => sink)).toEqual(['failure_email', 'failure_webhook']);
    const mine = (await received('failures')).filter(({ body }) => body.includes(id));
    expect(mine).toHaveLength(1);
    expect(() =>
      new Webhook(SECRET).verify(mine[0]?.body ?? '', mine[0]?.headers ?? {}),
    ).not.toThrow();
  }
  // Of all that fails here, the other tests' tasks too, the first has its mail; the others wait
  // for the digest.
  const isMailed = async (): Promise<boolean> => {
    const failed: TaskDetail[] = [];
    for await (const { task_id } of connect(service.url).list({ status: 'FAILED' }))
      failed.push(await detail(task_id));
    const mails = failed.flatMap(({ deliveries }) =>
      deliveries.filter(({ sink }) => sink === 'failure_email'),
    );
    return mails.filter(({ state: is }) => is === 'DELIVERED').length > 0;
  };
  await until(isMailed, Boolean);
});

it.concurrent('summarizes a CSV of 25 MB', async () => {
  const header = 'id,city,sold,on,note\n';
  const line = (i: number) =>
    `${i},Lisbon,${i % 1_000},2026-01-${String((i % 28) + 1).padStart(2, '0')},"a note, quoted"\n`;
  const lines: string[] = [header];
  for (let bytes = 0, i = 0; bytes < 26_000_000; i += 1)
    bytes += (lines.push(line(i)), lines.at(-1) as string).length;
  const rows = lines.length - 1;
  const put = await fetch(`${service.url}/files/large.csv`, {
    method: 'PUT',
    body: lines.join(''),
    headers: { 'Content-Type': 'text/csv' },
  });
  expect(put.status).toBe(201);
  const { task_id } = await submit('file_processing', {
    file: 'large.csv',
    operation: 'summarize',
  });
  const { result, error, started_at, completed_at, attempts } = await finished(task_id);
  console.log(
    `25 MB of CSV, ${rows} rows: ${Date.parse(completed_at ?? '') - Date.parse(started_at ?? '')} ms`,
  );
  expect([error, attempts]).toMatchObject([null, [{ outcome: 'completed' }]]);
  expect(result).toMatchObject({
    rows,
    columns: [
      { name: 'id', type: 'integer', max: rows - 1, distinct_capped: true },
      {},
      { min: 0, max: 999, distinct: 1_000 },
      { type: 'date' },
      {},
    ],
  });
});
