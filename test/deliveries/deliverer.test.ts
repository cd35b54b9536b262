import { completeFrom } from '../../src/domain/new-task.ts';
import { env } from 'cloudflare:workers';
import { Webhook } from 'standardwebhooks';
import { beforeEach, expect, inject, it } from 'vitest';
import { createWebhookSender } from '../../src/deliveries/webhook.ts';
import type { Delivery, DeliveryKey } from '../../src/domain/delivery.ts';
import { type Task } from '../../src/domain/task.ts';
import { createCommands } from '../../src/engine/commands.ts';
import { createPurge } from '../../src/engine/purge.ts';
import { createDeliverer } from '../../src/deliveries/deliverer.ts';
import { createDigest } from '../../src/deliveries/digest.ts';
import { createPlanner } from '../../src/deliveries/plan.ts';
import { createDeliverySender } from '../../src/deliveries/sender.ts';
import { createDeliveryStore } from '../../src/store/deliveries.ts';
import { createDeliveryGateStore } from '../../src/store/delivery-gates.ts';
import { createFlowStore } from '../../src/store/flows.ts';
import { createQueueStore } from '../../src/store/queues.ts';
import { createSweeps } from '../../src/store/sweeps.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import type { Mail } from '../../src/handlers/handler.ts';
import { call } from '../support/client.ts';
import { keepLog } from '../support/deps.ts';
import { aTask, looksUntil, OWNER, rowOf, store } from '../support/rows.ts';
import type { Received } from '../support/setup/outside.ts';

const outside = inject('outside');
const SECRETS = [
  'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz',
  'whsec_YWJjZGVmZ2hpamFiY2RlZmdoaWphYmNk',
];
const DELIVERY_SINKS = '["failure_webhook","failure_email"]';
const transitions = createTransitions(env.DB, DELIVERY_SINKS);
const deliveries = createDeliveryStore(env.DB);
const error = { code: 'x', message: 'it broke' };

// All receivers are one host, which must not pay for the test before.
beforeEach(async () => {
  await env.DB.exec('DELETE FROM delivery_gates');
  await env.DB.exec(`DELETE FROM deliveries WHERE sink = 'failure_email'`);
});

let hooks = 0;
/** A receiver of its own: what it was sent, and its address. */
const receiver = (query = '') => {
  const name = `hook-${(hooks += 1)}`;
  return {
    url: `${outside}/hook/${name}${query}`,
    received: async (): Promise<Received[]> => (await fetch(`${outside}/received/${name}`)).json(),
  };
};

/** The service's deliverer, allowed to call loopback, at a time of the test's choosing. */
const setup = ({
  failureUrl = 'https://nobody.example/',
  hosts = [],
}: { failureUrl?: string; hosts?: string[] } = {}) => {
  let now = Date.now();
  const { log, lines } = keepLog();
  const mails: Mail[] = [];
  const webhooks = createWebhookSender({
    rules: { allowedHosts: [new URL(outside).host, ...hosts] },
    fetch: (input, init) => fetch(input, init),
    now: () => now,
    timeoutMs: 2_000,
  });
  const sendMail = async (mail: Mail) => (mails.push(mail), { messageId: '1' });
  const settings = {
    WEBHOOK_SECRETS: SECRETS,
    FAILURE_WEBHOOK_URL: failureUrl,
    FAILURE_EMAIL_TO: 'ops@example.com',
    EMAIL_FROM: ['t@example.com'],
  };
  const findSecrets = async () => SECRETS;
  const sender = createDeliverySender({ webhooks, sendMail, findSecrets, settings });
  const gates = createDeliveryGateStore(env.DB);
  const deliverer = createDeliverer({
    deliveries,
    store: createTaskStore(env.DB),
    flows: createFlowStore(env.DB),
    planner: createPlanner({ gates, now: () => now, random: () => 0 }),
    digest: createDigest({ deliveries, gates, send: sender.mail, now: () => now }),
    sender,
    publicUrl: 'https://tasks.example.com/',
    countTry: () => {},
    now: () => now,
    random: () => 1,
    log,
  });
  return {
    lines,
    mails,
    /** Lets time pass; returns the time (ms). */
    pass: (ms: number): number => (now += ms),
    /** Delivers messages; returns what became of each message. */
    deliver: async (...keys: DeliveryKey[]): Promise<string[]> => {
      const settled: string[] = keys.map(() => 'nothing');
      const messages = keys.map((body, i) => ({
        body,
        ack: () => void (settled[i] = 'ack'),
        retry: ({ delaySeconds = 0 } = {}) => void (settled[i] = `retry ${delaySeconds}`),
      }));
      await deliverer.consume(messages as unknown as Message<DeliveryKey>[]);
      return settled;
    },
  };
};

const pendingDeliveries = (task: Pick<Task, 'id'>): Promise<Delivery[]> =>
  deliveries.listByTask(OWNER, task.id);
const claim = (task: Task) => transitions.claim([{ owner: OWNER, id: task.id }], Date.now(), true);

/** A task that has run and ended, without anybody having been told. */
const ended = async (how: 'complete' | 'fail', callbackUrl: string | null): Promise<Task> => {
  const task = aTask({ callbackUrl });
  await store(task);
  await claim(task);
  const verdict =
    how === 'complete'
      ? ({ transition: how, result: '{"x":1}' } as const)
      : ({ transition: how, error } as const);
  await transitions.record([{ task: await rowOf(task.id), verdict }], Date.now());
  return rowOf(task.id);
};

it('every end owes what it must, in the statement that ends the task', async () => {
  const url = receiver().url;
  const sinks = async (task: Pick<Task, 'id'>) =>
    (await pendingDeliveries(task)).map(({ status, sink }) => `${status} ${sink}`);
  expect(await sinks(await ended('complete', url))).toEqual(['COMPLETED callback']);
  expect(await sinks(await ended('complete', null))).toEqual([]);
  expect(await sinks(await ended('fail', url))).toEqual([
    'FAILED callback',
    'FAILED failure_email',
    'FAILED failure_webhook',
  ]);
  expect(await sinks(await ended('fail', null))).toEqual([
    'FAILED failure_email',
    'FAILED failure_webhook',
  ]);

  const cancelled = aTask({ callbackUrl: url });
  await store(cancelled);
  await transitions.command('cancel', OWNER, cancelled.id, Date.now());
  expect(await sinks(cancelled)).toEqual(['CANCELLED callback']);
  // Never claimed, so the attempt is the same; and yet it is another end.
  await transitions.command('retry', OWNER, cancelled.id, Date.now());
  await transitions.command('cancel', OWNER, cancelled.id, Date.now());
  expect(await sinks(cancelled)).toEqual(['CANCELLED callback', 'CANCELLED callback']);

  const lost = aTask({ callbackUrl: url });
  await store(lost);
  await env.DB.prepare('UPDATE tasks SET rescues = 3 WHERE id = ?').bind(lost.id).run();
  await claim(lost);
  await createSweeps(env.DB, DELIVERY_SINKS).sweep(
    Date.now() + 100_000,
    500,
    looksUntil(Date.now() + 100_000),
  );
  expect(await sinks(lost)).toEqual([
    'FAILED callback',
    'FAILED failure_email',
    'FAILED failure_webhook',
  ]);

  const reused = completeFrom(aTask({ callbackUrl: url }), await ended('complete', null));
  await store(reused);
  expect(await sinks(reused)).toEqual(['COMPLETED callback']);
});

it('is signed so that the official library verifies it, by each of several secrets', async () => {
  const { url, received } = receiver();
  const task = await ended('complete', url);
  const [key] = (await pendingDeliveries(task)) as [Delivery];
  expect(await setup().deliver(key)).toEqual(['ack']);
  const [{ headers, body }] = (await received()) as [Received];
  for (const secret of SECRETS)
    expect(new Webhook(secret).verify(body, headers)).toMatchObject({ type: 'task.completed' });
  expect(() =>
    new Webhook('whsec_bm90IHRoZSBzZWNyZXQgYXQgYWxsISE=').verify(body, headers),
  ).toThrow();
  expect(() => new Webhook(SECRETS[0] as string).verify(`${body} `, headers)).toThrow();
  expect(headers['webhook-id']).toBe(`${task.id}:3:callback`);
  expect(JSON.parse(body)).toMatchObject({
    type: 'task.completed',
    owner: OWNER,
    data: { task_id: task.id, status: 'COMPLETED', result: { x: 1 } },
  });
  expect((await pendingDeliveries(task))[0]).toMatchObject({
    state: 'DELIVERED',
    tries: 1,
    wake_at: null,
    last_error: null,
  });
  // A message that comes twice finds nothing left to do.
  expect(await setup().deliver(key, key)).toEqual(['ack', 'ack']);
  expect(await received()).toHaveLength(1);
});

it('is tried again with the same id, later and later, until it is taken', async () => {
  const { url, received } = receiver('?fails=2');
  const task = await ended('complete', url);
  const [key] = (await pendingDeliveries(task)) as [Delivery];
  const { deliver, pass, lines } = setup();
  expect(await deliver(key)).toEqual(['retry 5']);
  expect(await pendingDeliveries(task)).toMatchObject([
    { state: 'OPEN', tries: 1, last_error: 'The receiver answered 503' },
  ]);
  // Too early: a second message, or a sweep's.
  expect(await deliver(key)).toEqual(['ack']);
  pass(5_000);
  expect(await deliver(key)).toEqual(['retry 10']);
  pass(10_000);
  expect(await deliver(key)).toEqual(['ack']);
  const ids = (await received()).map(({ headers }) => headers['webhook-id']);
  expect(ids).toEqual([ids[0], ids[0], ids[0]]);
  expect(lines.map(({ event }) => event)).toEqual([
    'delivery_failed',
    'delivery_failed',
    'delivery_made',
  ]);
});

it.each([
  ['?how=redirects', 'OPEN', 'The receiver answered 302'],
  ['?how=drops', 'OPEN', 'No connection'],
  ['?how=hangs', 'OPEN', 'No answer within 2 s'],
  ['?how=huge', 'DELIVERED', null],
  ['?how=410', 'GIVEN_UP', 'The receiver answered 410'],
])('a receiver that answers %s leaves it %s', async (query, state, message) => {
  const task = await ended('complete', receiver(query).url);
  await setup().deliver(...(await pendingDeliveries(task)));
  const [delivery] = (await pendingDeliveries(task)) as [Delivery];
  expect(delivery.state).toBe(state);
  if (message === null) expect(delivery.last_error).toBeNull();
  else expect(delivery.last_error).toContain(message);
  // The task itself is untouched.
  expect(await rowOf(task.id)).toEqual(task);
});

it('never calls an address that is not allowed, whatever the row says', async () => {
  const task = await ended('complete', 'https://127.0.0.1/');
  const { deliver, lines } = setup();
  await deliver(...(await pendingDeliveries(task)));
  expect(await pendingDeliveries(task)).toMatchObject([
    { state: 'GIVEN_UP', last_error: 'Only host names are called, not addresses' },
  ]);
  expect(lines.at(-1)?.event).toBe('delivery_given_up');
});

it('is given up after a day', async () => {
  const task = await ended('complete', receiver('?fails=1000').url);
  const [key] = (await pendingDeliveries(task)) as [Delivery];
  const { deliver, pass } = setup();
  for (let waited = 0; waited < 25 * 3_600_000;) {
    const [settled = ''] = await deliver(key);
    if (settled === 'ack') break;
    const ms = Number(settled.split(' ')[1]) * 1_000;
    expect(ms).toBeLessThanOrEqual(3_600_000);
    waited += ms;
    pass(ms);
  }
  const [delivery] = (await pendingDeliveries(task)) as [Delivery];
  expect(delivery.state).toBe('GIVEN_UP');
  expect(delivery.tries).toBeGreaterThan(25);
});

it('waits as long as the receiver asks for', async () => {
  const task = await ended('complete', receiver('?how=429').url);
  expect(await setup().deliver(...(await pendingDeliveries(task)))).toEqual(['retry 7']);
});

it('notifies the operator of a failure, by webhook and mail, with the task as it was then', async () => {
  const { url, received } = receiver();
  const task = await ended('fail', null);
  await transitions.command('retry', OWNER, task.id, Date.now());
  await claim(task);
  const { deliver, mails } = setup({ failureUrl: url });
  expect(await deliver(...(await pendingDeliveries(task)))).toEqual(['ack', 'ack']);
  const [{ body }] = (await received()) as [Received];
  expect(JSON.parse(body)).toMatchObject({
    type: 'task.failed',
    data: {
      status: 'FAILED',
      attempt: 1,
      version: 3,
      error: { message: 'it broke', attempt: 1 },
      result: null,
    },
  });
  expect(mails).toMatchObject([
    { from: 't@example.com', to: ['ops@example.com'], subject: 'Task failed: sum' },
  ]);
  expect(mails[0]?.html).toContain('it broke');
});

it('is given up, visibly, when its task is deleted', async () => {
  const task = await ended('complete', receiver().url);
  const { log, lines } = keepLog();
  const nothing = async (): Promise<void> => {};
  const commands = createCommands({
    transitions,
    store: createTaskStore(env.DB),
    queues: createQueueStore(env.DB),
    ensureAlarmBy: nothing,
    taskQueues: { enqueue: nothing },
    publish: nothing,
    followUp: nothing,
    retryInFlows: async () => [],
    invalidate: nothing,
    closeStreams: nothing,
    removeLeftovers: nothing,
    longTasks: { terminate: nothing },
    longTaskMs: 30_000,
    now: Date.now,
    log,
  });
  await commands.remove(OWNER, task.id);
  expect(await pendingDeliveries(task)).toEqual([]);
  expect(lines).toMatchObject([
    { event: 'delivery_given_up', fields: { task_id: task.id, reason: 'task_deleted' } },
  ]);
  const another = await ended('complete', receiver().url);
  const purge = createPurge({
    store: createTaskStore(env.DB),
    flows: createFlowStore(env.DB),
    invalidate: nothing,
    closeStreams: nothing,
    removeLeftovers: nothing,
    now: Date.now,
    log,
  });
  await purge(OWNER);
  expect(await pendingDeliveries(another)).toEqual([]);
  expect(lines.filter(({ fields }) => fields['task_id'] === another.id)).toHaveLength(1);
});

it('is swept when its message was lost, and keeps the clock going', async () => {
  const task = await ended('complete', receiver().url);
  const sweeps = createSweeps(env.DB);
  const { wake_at } = (await pendingDeliveries(task))[0] as Delivery;
  expect((await sweeps.readNextWake()).deliveryAt).toBeLessThanOrEqual(wake_at as number);
  const { deliveries: resent } = await sweeps.sweep((wake_at as number) + 1, 500, []);
  expect(resent).toContainEqual({
    owner: OWNER,
    task_id: task.id,
    version: 3,
    sink: 'callback',
  });
  expect((await sweeps.sweep((wake_at as number) + 2, 500, [])).deliveries).toEqual([]);
});

it('is not pruned while it is open', async () => {
  const [open, done] = await Promise.all([
    ended('complete', receiver().url),
    ended('complete', receiver().url),
  ]);
  await setup().deliver(...(await pendingDeliveries(done)));
  await createTaskStore(env.DB).prune({ rules: [], otherwise: Date.now() + 1_000 }, 1_000);
  expect(await createTaskStore(env.DB).get(OWNER, done.id)).toBeNull();
  expect(await createTaskStore(env.DB).get(OWNER, open.id)).not.toBeNull();
});

it('is shown on the task', async () => {
  const task = await ended('complete', receiver('?fails=1').url);
  await setup().deliver(...(await pendingDeliveries(task)));
  const { deliveries: shown } = await (
    await call(`/tasks/${task.id}`)
  ).json<{ deliveries: object[] }>();
  expect(shown).toMatchObject([
    {
      id: `${task.id}:3:callback`,
      sink: 'callback',
      status: 'COMPLETED',
      state: 'OPEN',
      tries: 1,
      last_error: 'The receiver answered 503',
    },
  ]);
});

it('is refused at the submit where it could not be delivered', async () => {
  const send = (callback_url: string) =>
    call('/tasks', { json: { type: 'sum', params: { a: 1, b: 1 }, callback_url } });
  for (const url of [
    'http://example.com/',
    'https://127.0.0.1/',
    'https://localhost:8787/',
    `${outside}/hook/x`,
  ]) {
    const response = await send(url);
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      errors: [{ path: 'callback_url', code: 'refused_url' }],
    });
  }
  expect(await (await send('https://receiver.example/')).json()).toMatchObject({
    callback_url: 'https://receiver.example/',
  });
});

/** Makes many deliveries of one owner to one URL. */
const many = async (count: number, url: string, owner = OWNER): Promise<DeliveryKey[]> => {
  const at = Date.now();
  const done = Array.from({ length: count }, () =>
    completeFrom(aTask({ owner, callbackUrl: url }), { ...aTask({}), result: '1' }),
  );
  await store(...done);
  const { results } = await env.DB.prepare(
    `SELECT owner, task_id, version, sink FROM deliveries WHERE owner = ? AND owed_at >= ?`,
  )
    .bind(owner, at - 1_000)
    .all<DeliveryKey>();
  const ids = new Set(done.map(({ id }) => id));
  return results.filter(({ task_id }) => ids.has(task_id));
};

it('closes a host that does not answer, and lets the other owners pass', async () => {
  const slow = receiver('?how=hangs');
  const own = new URL(outside);
  own.hostname = own.hostname === 'localhost' ? '127.0.0.1' : 'localhost';
  const { deliver, pass } = setup({ hosts: [own.host] });
  const first = await deliver(...(await many(6, slow.url, 'greedy')));
  // Some were tried; the others were given back, and have not used up a try.
  expect(first.filter((each) => each === 'ack')).toEqual([]);
  const tried = await env.DB.prepare(
    `SELECT tries, count(*) AS n FROM deliveries WHERE owner = 'greedy' GROUP BY tries ORDER BY 1`,
  ).all();
  expect(tried.results).toEqual([
    { tries: 0, n: 2 },
    { tries: 1, n: 4 },
  ]);
  const more = await many(10, slow.url, 'greedy');
  const other = receiver();
  const [mine] = await many(1, other.url.replace(new URL(outside).host, own.host), 'modest');
  pass(5_000);
  const startedAt = Date.now();
  const settled = await deliver(...more, mine as DeliveryKey);
  // None of them waited for the host again.
  expect(Date.now() - startedAt).toBeLessThan(1_500);
  expect(settled.at(-1)).toBe('ack');
  expect(settled.slice(0, -1).every((each) => Number(each.split(' ')[1]) >= 30)).toBe(true);
  pass(700_000);
  // Then one finds out for all of them.
  await deliver(...more);
  const again = await env.DB.prepare(
    `SELECT count(*) AS n FROM deliveries WHERE owner = 'greedy' AND tries > 0`,
  ).first('n');
  expect(again).toBe(5);
});

it('sends a new host few deliveries a minute, and one that takes them more', async () => {
  const { url, received } = receiver();
  const { deliver, pass } = setup();
  const sentBy = async (keys: DeliveryKey[]): Promise<number> => {
    let left = keys;
    const before = (await received()).length;
    for (let round = 0; round < 50 && left.length > 0; round += 1) {
      const settled = await deliver(...left.slice(0, 30));
      const back = left.slice(0, 30).filter((_, i) => settled[i] !== 'ack');
      left = [...left.slice(30), ...back];
      pass(1_100);
    }
    return (await received()).length - before;
  };
  pass(61_000 - (pass(0) % 60_000));
  expect(await sentBy(await many(100, url))).toBeLessThanOrEqual(64);
  pass(60_000);
  expect(await sentBy(await many(100, url))).toBeGreaterThan(64);
}, 30_000);

it.each([
  ['?how=404', 3],
  ['?how=401', 3],
  ['?how=400', 3],
  ['?how=redirects', 3],
])('gives up on %s after %d tries', async (query, most) => {
  const { url, received } = receiver(query);
  const task = await ended('complete', url);
  const { deliver, pass } = setup();
  for (let i = 0; i < 20; i += 1) {
    await deliver(...(await pendingDeliveries(task)));
    pass(3_600_000);
  }
  expect(await received()).toHaveLength(most);
  expect(await pendingDeliveries(task)).toMatchObject([{ state: 'GIVEN_UP', tries: most }]);
});

it('sends what is large as a head with a link', async () => {
  const { url, received } = receiver();
  const task = completeFrom(aTask({ callbackUrl: url, params: { text: 'x'.repeat(70_000) } }), {
    ...aTask({}),
    result: '1',
  });
  await store(task);
  await setup().deliver(...(await pendingDeliveries(task)));
  const [{ body }] = (await received()) as [Received];
  expect(body.length).toBeLessThan(5_000);
  expect(JSON.parse(body)).toMatchObject({
    data: {
      task_id: task.id,
      params: null,
      result: null,
      truncated: true,
      url: `https://tasks.example.com/tasks/${task.id}`,
    },
  });
});

it('mails the first failure at once, and the others together ten minutes later', async () => {
  const { deliver, mails, pass } = setup();
  const failuresOf = async (task: Task): Promise<DeliveryKey[]> =>
    (await pendingDeliveries(task)).filter(({ sink }) => sink === 'failure_email');
  expect(await deliver(...(await failuresOf(await ended('fail', null))))).toEqual(['ack']);
  const later = await Promise.all(Array.from({ length: 20 }, () => ended('fail', null)));
  const keys = (await Promise.all(later.map(failuresOf))).flat();
  const settled = await deliver(...keys);
  expect(mails.map(({ subject }) => subject)).toEqual(['Task failed: sum']);
  expect(new Set(settled)).toEqual(new Set(['retry 600']));
  pass(600_000);
  expect(new Set(await deliver(...keys.slice(0, 5)))).toEqual(new Set(['ack']));
  expect(mails.map(({ subject }) => subject)).toEqual(['Task failed: sum', '20 tasks failed']);
  expect(mails[1]?.text).toContain('20 × sum: x: it broke');
  expect(new Set(await deliver(...keys.slice(5)))).toEqual(new Set(['ack']));
  expect(mails).toHaveLength(2);
});
