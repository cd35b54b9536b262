import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { runInDurableObject } from 'cloudflare:test';
import { D1_LIMITS, QUEUE_LIMITS, STORAGE_LIMITS, WORKFLOW_LIMITS } from './strict.ts';

const ask = (sql: string, ...values: unknown[]) =>
  env.DB.prepare(sql)
    .bind(...values)
    .all();

describe('D1', () => {
  it('takes a hundred parameters', async () => {
    const select = (n: number) =>
      ask(
        `SELECT ${Array.from({ length: n }, (_, i) => `?${i + 1}`).join(', ')}`,
        ...Array(n).fill(1),
      );
    await expect(select(100)).resolves.toBeDefined();
    await expect(select(101)).rejects.toThrow(/variable|parameter/i);
  });

  it('takes 100 000 bytes of SQL', async () => {
    const sql = (bytes: number) => `SELECT 1 --${'x'.repeat(bytes - 11)}`;
    await expect(ask(sql(D1_LIMITS.sqlBytes))).resolves.toBeDefined();
    expect(() => env.DB.prepare(sql(D1_LIMITS.sqlBytes + 1))).toThrow(/too long/);
  });

  it('takes 2 000 000 bytes a value, in and out, and a row', async () => {
    const most = 'x'.repeat(D1_LIMITS.valueBytes - 16);
    await expect(ask('SELECT length(?1)', most)).resolves.toBeDefined();
    await expect(async () => ask('SELECT length(?1)', `${most}${'ä'.repeat(9)}`)).rejects.toThrow(
      /TOOBIG/,
    );
    const row = (n: number) => ask(`SELECT hex(zeroblob(?1)) AS a, hex(zeroblob(?1)) AS b`, n);
    await expect(row(400_000)).resolves.toBeDefined();
    await expect(row(510_000)).rejects.toThrow(/TOOBIG/);
  });

  it('gives 25 MB a result', async () => {
    const rows = (n: number) =>
      ask(`SELECT hex(zeroblob(500000)) AS a FROM json_each(?1)`, JSON.stringify(Array(n).fill(1)));
    await expect(rows(24)).resolves.toBeDefined();
    await expect(rows(26)).rejects.toThrow(/memory limit/);
  });

  it('takes 32 arguments of a function', async () => {
    const sql = (n: number) =>
      `SELECT max(1, (2), ${Array(n - 2)
        .fill(`'a,('`)
        .join(', ')})`;
    await expect(ask(sql(32))).resolves.toBeDefined();
    expect(() => env.DB.prepare(sql(33))).toThrow(/arguments/);
  });

  it.each([
    ['terms of a compound SELECT', Array(6).fill('SELECT 1').join(' UNION ALL ')],
    ['bytes of a pattern', `SELECT 'x' LIKE '${'%x'.repeat(26)}'`],
  ])('bounds %s', async (_what, sql) => {
    await expect(ask(sql)).rejects.toThrow(/too (many|complex)/);
  });
});

describe('a queue', () => {
  const queue = env.QUEUE_DEFAULT_HIGH as unknown as Queue<string>;
  const room = QUEUE_LIMITS.messageBytes - QUEUE_LIMITS.metadataBytes;

  it.each([
    ['a message too long', [{ body: 'x'.repeat(room - 1) }], /128000/],
    ['a hundred and one', Array.from({ length: 101 }, () => ({ body: '' })), /100 messages/],
    ['a batch too long', Array.from({ length: 3 }, () => ({ body: 'x'.repeat(90_000) })), /256000/],
    ['a part of a second', [{ body: '', delaySeconds: 1.5 }], /delay/],
    ['more than a day', [{ body: '', delaySeconds: 86_401 }], /delay/],
  ] as const)('refuses %s', async (_what, messages, text) => {
    await expect(queue.sendBatch(messages as MessageSendRequest<string>[])).rejects.toThrow(text);
  });
});

it('an object keeps 128 keys at a time, and 16 384 bytes with a socket', async () => {
  const { 0: client } = new WebSocketPair();
  expect(() => client.serializeAttachment('x'.repeat(16_385))).toThrow(/large|limit|exceed|bytes/i);
});

describe('Workflows', () => {
  const create = (instances: { id: string; params?: object }[]) =>
    env.LONG_TASKS.createBatch(instances as never);

  it('makes 100 instances at once, with ids of 100 characters and 1 MiB each', async () => {
    const many = Array.from({ length: WORKFLOW_LIMITS.batch + 1 }, (_, i) => ({ id: `${i}` }));
    await expect(create(many)).rejects.toThrow('batch_too_large');
    await expect(create([{ id: 'x'.repeat(101) }])).rejects.toThrow('invalid_id');
    const text = 'x'.repeat(WORKFLOW_LIMITS.payloadBytes);
    await expect(create([{ id: 'a', params: { text } }])).rejects.toThrow('params_too_large');
  });
});

describe('the storage of an object', () => {
  it('takes 128 keys at once, and 2 MB a value', async () => {
    const object = env.DISPATCHER.getByName('dispatcher-0');
    const put = (entries: Record<string, string>) =>
      runInDurableObject(object, async (_, { storage }) => {
        const failure = await storage.put(entries).then(
          () => null,
          (error: unknown) => String(error),
        );
        await storage.deleteAll();
        return failure;
      });
    const keys = (n: number) =>
      Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, 'v']));
    expect(await put(keys(STORAGE_LIMITS.keys))).toBeNull();
    expect(await put(keys(STORAGE_LIMITS.keys + 1))).toMatch(/128/);
    expect(await put({ k: 'x'.repeat(STORAGE_LIMITS.valueBytes + 1) })).toMatch(/2097152/);
  });
});

describe('the sockets of an object', () => {
  const attempt = (work: (state: DurableObjectState, socket: WebSocket) => void) =>
    runInDurableObject(env.DISPATCHER.getByName('dispatcher-0'), (_, state) => {
      const { 1: server } = new WebSocketPair();
      try {
        work(state, server);
        return null;
      } catch (error) {
        return String(error);
      }
    });
  const tags = (n: number, length = 5) =>
    Array.from({ length: n }, (_, i) => `${i}`.padEnd(length, 'x'));

  it('take ten tags of 256 characters, and an attachment of 16 384 bytes', async () => {
    const accept = (list: string[]) =>
      attempt((state, socket) => state.acceptWebSocket(socket, list));
    expect(await accept(tags(10, 256))).toBeNull();
    expect(await accept(tags(11))).toMatch(/tags/);
    expect(await accept(tags(1, 257))).toMatch(/256/);
    const attach = (bytes: number) =>
      attempt((state, socket) => {
        state.acceptWebSocket(socket);
        socket.serializeAttachment('x'.repeat(bytes));
      });
    expect(await attach(16_000)).toBeNull();
    expect(await attach(17_000)).toMatch(/16384/);
  });
});
