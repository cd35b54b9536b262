import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, startService, temporaryState, type Service } from '../../scripts/service.ts';
import { connect } from '../../scripts/tasker.ts';
import { createWorker, Snooze, type Frame, type TypeDefinition } from '../../src/client/index.ts';
import { startOutside } from '../support/setup/outside.ts';

// What runs say and keep, against the real service: a language model that streams, endpoints, and
// workers.

const FOLDER = new URL('../support/outside/', import.meta.url).pathname;
let service: Service;
let state: string;
let outside: Awaited<ReturnType<typeof startOutside>>;
let endpointPort: number;
const processes: ChildProcess[] = [];
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  [state, outside, endpointPort] = await Promise.all([
    temporaryState(),
    startOutside(),
    freePort(),
  ]);
  service = await startService(await freePort(), state, [
    'OPENAI_API_KEY:a-model-key',
    `OPENAI_BASE_URL:${outside.url}/ok/v1`,
    `CALLBACK_HOSTS:127.0.0.1:${endpointPort}`,
    'ROOT_SECRET:the-root-secret-of-this-test-0123456789',
  ]);
  const endpoint = spawn(process.execPath, [
    `${FOLDER}endpoint.ts`,
    String(endpointPort),
    service.url,
  ]);
  processes.push(endpoint);
  await new Promise((resolve) => endpoint.stdout.once('data', resolve));
});
afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
  for (const child of processes) child.kill('SIGKILL');
  await Promise.all([service.kill(), outside.close()]);
  await rm(state, { recursive: true, force: true });
});

const tasker = () => connect(service.url);
const register = (name: string, run: TypeDefinition['run'], more: object = {}) =>
  tasker().registerType(name, { description: 'For a test', run, ...more });
const submit = async (type: string, params: object = {}): Promise<string> =>
  (await tasker().submit({ type, params })).task_id;

interface Watched {
  frames: Frame[];
  text: string;
  /** ms from when a token left the provider until it was here. */
  delays: number[];
}
/** Watches a task to its end; what overlaps is written over, as a page does it. */
const watch = async (
  id: string,
  watched: Watched = { frames: [], text: '', delays: [] },
): Promise<Watched> => {
  for await (const frame of tasker().watch(id)) {
    watched.frames.push(frame);
    if (frame.event !== 'output') continue;
    const said = /@(\d+)/.exec(frame.text)?.[1];
    if (said !== undefined) watched.delays.push(Date.now() - Number(said));
    watched.text = watched.text.slice(0, frame.offset) + frame.text;
  }
  return watched;
};

describe('a language model', () => {
  it('is read as it writes, from the first token, and whole by whoever comes in the middle', async () => {
    await register('filler', { worker: {} });
    // Watched before it begins: it is held, and let go.
    await tasker().request('/queues/external-medium/pause', { method: 'POST' });
    const count = Number(process.env['TOKENS'] ?? 500);
    const id = await submit('chatgpt', { prompt: `tokens:${count}@100` });
    const seen: Watched = { frames: [], text: '', delays: [] };
    const first = watch(id, seen);
    await expect.poll(() => seen.frames.length).toBeGreaterThan(0);
    await tasker().request('/queues/external-medium/resume', { method: 'POST' });
    // In the middle.
    await expect.poll(() => seen.text, { timeout: 20_000 }).toContain('token200@');
    const second = watch(id);
    const [all, late] = await Promise.all([first, second]);
    const { result } = await tasker().get(id);
    const { response } = result as { response: string };
    expect(response.split(' ')).toHaveLength(count + 1);
    expect(all.text).toBe(response);
    expect(late.text).toBe(response);
    console.log(
      `the first token was here ${all.delays[0]} ms after it left the provider; of ${all.delays.length} frames the slowest took ${Math.max(...all.delays)} ms`,
    );
    expect(all.delays[0]).toBeLessThanOrEqual(150);
  }, 60_000);
});

describe('an endpoint', () => {
  it.each([
    ['streams', { pages: 2 }, 'one two'],
    ['text-stream', 'one two', 'one two'],
  ])('that answers with %s is read as it writes', async (how, result, text) => {
    await register(how, { endpoint: { url: `http://127.0.0.1:${endpointPort}/${how}` } });
    const id = await submit(how);
    const watched = await watch(id);
    expect(watched.text).toBe(text);
    expect(await tasker().get(id)).toMatchObject({ status: 'COMPLETED', result });
    const { lines } = await tasker().logs(id);
    expect(lines.map(({ level, message, fields }) => [level, message, fields])).toEqual(
      how === 'streams'
        ? [
            ['warn', '[31mcareful', { n: 1 }],
            ['info', '{no JSON', null],
          ]
        : [],
    );
  });

  it('that streams an error, or no end, fails', async () => {
    const registerOnce = (how: string) =>
      register(
        how,
        { endpoint: { url: `http://127.0.0.1:${endpointPort}/${how}` } },
        { max_attempts: 1 },
      );
    await Promise.all([registerOnce('streams-error'), registerOnce('streams-on')]);
    const [error, cut] = await Promise.all([submit('streams-error'), submit('streams-on')]);
    await Promise.all([tasker().wait(error), tasker().wait(cut)]);
    expect((await tasker().get(error)).error).toMatchObject({ code: 'no_ink', message: 'No ink' });
    expect((await tasker().get(cut)).error).toMatchObject({ code: 'endpoint_error' });
  });
});

describe('a worker', () => {
  const startWorker = (types: Parameters<typeof createWorker>[0]['types']) => {
    const worker = createWorker({ baseUrl: service.url, types, onError: () => {} });
    const running = worker.run();
    stops.push(async () => {
      await worker.stop();
      await running;
    });
  };

  it('says and keeps what its handlers do', async () => {
    await register('talks', { worker: {} }, { max_attempts: 1, timeout_seconds: 60 });
    let work = 0;
    startWorker({
      talks: async ({
        log,
        output,
        saveCheckpoint,
        checkpoint,
        step,
        submit: submitChild,
        attempt,
      }) => {
        console.info('printed', { n: attempt });
        log.warn('said canary-in-the-log', { canary: 'canary-in-the-log' });
        const { taskId } = await submitChild({
          type: 'sum',
          params: { a: 1, b: attempt },
        });
        await submitChild({ type: 'sum', params: { a: 1, b: 1 } });
        const once = await step('once', () => (work += 1));
        output('some ');
        await new Promise((resolve) => setTimeout(resolve, 500));
        output('text');
        if (attempt === 1) {
          await saveCheckpoint({ page: 7 });
          throw new Snooze(0);
        }
        return { checkpoint, once, taskId };
      },
    });
    const id = await submit('talks');
    // The first child differs in the second run, which is told so.
    const ended = await tasker().wait(id, { timeout: 30_000 });
    expect(ended).toMatchObject({ status: 'FAILED', error: { code: 'handler_error' } });
    expect(ended.error?.message).toContain('Idempotency-Key');
    expect(work).toBe(1);
    expect(ended.attempts.map(({ outcome }) => outcome)).toEqual(['snoozed', 'failed']);
    const { lines, attempts } = await tasker().logs(id, { attempt: 1 });
    expect(lines.map(({ level, message }) => [level, message])).toEqual([
      ['info', 'printed {"n":1}'],
      ['warn', 'said canary-in-the-log'],
    ]);
    expect(attempts).toEqual([
      { attempt: 1, lines: 2 },
      { attempt: 2, lines: 2 },
    ]);
    const children: string[] = [];
    for await (const child of tasker().list({ parentId: id })) children.push(child.type);
    expect(children).toEqual(['sum', 'sum']);
    expect(ended.attempts[1]?.stack).toContain('runs.test.ts');
    // What a run says is its owner's.
    expect(service.output()).toContain('talks');
    expect(service.output()).not.toContain('canary-in-the-log');
  }, 60_000);

  it('tells of a bad snooze, and loses nobody else’s result for it', async () => {
    await register('snoozes', { worker: {} }, { base_seconds: 0 });
    const circle: unknown[] = [];
    circle.push(circle);
    startWorker({
      snoozes: ({ params, attempt }) => {
        const { how } = params as { how?: string };
        if (how === 'nan' && attempt === 1) throw new Snooze(NaN);
        if (how === 'circle') throw new Snooze(1, circle);
        if (how === 'large') throw new Snooze(1, 'x'.repeat(20_000));
        return attempt;
      },
    });
    const ids = await Promise.all(
      ['nan', 'circle', 'large', 'good'].map((how) => submit('snoozes', { how })),
    );
    const ended = await Promise.all(ids.map((id) => tasker().wait(id, { timeout: 30_000 })));
    expect(ended.map(({ status, error }) => error?.code ?? status)).toEqual([
      'COMPLETED',
      'handler_error',
      'checkpoint_too_large',
      'COMPLETED',
    ]);
  });

  it('does not take what it prints about its words for words of the task', async () => {
    await register('unheard', { worker: {} });
    const told: string[] = [];
    const refusing: typeof fetch = async (input, init) => {
      if (!(input as string).endsWith('/runs/logs')) return fetch(input, init);
      told.push(init?.body as string);
      return new Response('{}', { status: 503 });
    };
    const worker = createWorker({
      baseUrl: service.url,
      fetch: refusing,
      onError: (error) => console.warn(`worker: ${(error as Error).message}`),
      types: {
        unheard: async ({ log }) => {
          log.info('the only line');
          await new Promise((resolve) => setTimeout(resolve, 3_500));
        },
      },
    });
    const running = worker.run();
    const id = await submit('unheard');
    expect((await tasker().wait(id, { timeout: 40_000 })).status).toBe('COMPLETED');
    await worker.stop();
    await running;
    expect(told.length).toBeGreaterThan(2);
    expect(told.filter((body) => body.includes('worker: '))).toEqual([]);
  }, 60_000);

  it('is refused the words of a run that is over', async () => {
    await register('over', { worker: {} });
    const id = await submit('over');
    const { tasks } = await tasker().request<{ tasks: { run: string }[] }>('/work', {
      method: 'POST',
      json: { worker: 'over', types: ['over'], max: 1 },
    });
    const say = async (path: string, body: object): Promise<number> =>
      (
        await fetch(`${service.url}${path}`, {
          method: 'POST',
          headers: {
            Authorization: `Bearer ${tasks[0]?.run}`,
            'Content-Type': 'application/json',
          },
          body: JSON.stringify(body),
        })
      ).status;
    const sayAll = () =>
      Promise.all([
        say('/runs/output', { text: 'x' }),
        say('/runs/logs', { lines: [{ message: 'x' }] }),
        say('/runs/logs', { lines: [{ message: 'x' }], live: true }),
        say('/runs/steps', { name: crypto.randomUUID(), result: 1 }),
        say('/runs/tasks', { n: 0, task: { type: 'sum', params: { a: 1, b: 2 } } }),
      ]);
    expect(await sayAll()).toEqual([200, 200, 200, 200, 202]);
    await tasker().cancel(id);
    expect(await sayAll()).toEqual([409, 409, 409, 409, 409]);
  });

  it('keeps 64 KB of a log, and says how much was cut', async () => {
    await register('floods', { worker: {} });
    startWorker({
      floods: ({ log }) => {
        for (let i = 0; i < 20_000; i += 1)
          log.info('x'.repeat(10_000), { big: 'y'.repeat(50_000) });
      },
    });
    const id = await submit('floods');
    expect((await tasker().wait(id, { timeout: 30_000 })).status).toBe('COMPLETED');
    const { lines, cut } = await tasker().logs(id);
    expect(lines.length + cut).toBe(20_000);
    expect(lines.length).toBeGreaterThan(3);
  });

  it('shows its words to those who watch', async () => {
    await register('writes', { worker: {} }, { timeout_seconds: 60 });
    startWorker({
      writes: async ({ log, output }) => {
        for (let i = 0; i < 8; i += 1) {
          log.info(`line ${i}`);
          output(`${i} `);
          await new Promise((resolve) => setTimeout(resolve, 1_000));
        }
      },
    });
    const id = await submit('writes');
    const watched = await watch(id);
    expect(watched.text).toBe('0 1 2 3 4 5 6 7 ');
    const lines = watched.frames.flatMap((frame) => (frame.event === 'log' ? [frame] : []));
    // Before its end, when they are stored.
    expect(lines.length).toBeGreaterThan(1);
    expect((await tasker().logs(id)).lines).toHaveLength(8);
    const text = await (await fetch(`${service.url}/tasks/${id}/logs?format=text`)).text();
    expect(text).toMatch(/Z INFO {2}line 0\n/);
  }, 60_000);

  it('runs no step again that had resolved, however often it is killed', async () => {
    const TASKS = 20;
    const KILLS = Number(process.env['KILLS'] ?? 1);
    await register(
      'steps',
      { worker: {} },
      { timeout_seconds: 8, max_attempts: 20, base_seconds: 0 },
    );
    const file = `${state}/steps`;
    const ids = await Promise.all(Array.from({ length: TASKS }, () => submit('steps')));
    for (let kill = 0; kill <= KILLS; kill += 1) {
      const worker = spawn(process.execPath, [
        `${FOLDER}step-worker.ts`,
        service.url,
        'steps',
        file,
      ]);
      processes.push(worker);
      if (kill === KILLS) break;
      const before = (await readFile(file, 'utf8').catch(() => '')).length;
      await expect
        .poll(async () => (await readFile(file, 'utf8').catch(() => '')).length, {
          timeout: 30_000,
          interval: 20,
        })
        .toBeGreaterThan(before + 1_500);
      worker.kill('SIGKILL');
    }
    const ended = await Promise.all(ids.map((id) => tasker().wait(id, { timeout: 100_000 })));
    expect(ended.map(({ status }) => status)).toEqual(ids.map(() => 'COMPLETED'));
    const ran = new Map<string, number>();
    let again = 0;
    const resolved = new Set<string>();
    let wrong = 0;
    for (const line of (await readFile(file, 'utf8')).trim().split('\n')) {
      const [what, ...about] = line.split(' ');
      const key = about.join(' ');
      if (what === 'resolved') resolved.add(key);
      else {
        if (resolved.has(key)) wrong += 1;
        ran.set(key, (ran.get(key) ?? 0) + 1);
        if ((ran.get(key) ?? 0) > 1) again += 1;
      }
    }
    console.log(
      `${KILLS} kills of ${TASKS} tasks with ten steps: ${wrong} steps ran again that had resolved; of those in flight ${again} did`,
    );
    expect(wrong).toBe(0);
  }, 180_000);
});
