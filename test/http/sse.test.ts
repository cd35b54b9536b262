import { describe, expect, it } from 'vitest';
import type { Frame } from '../../src/domain/frames.ts';
import { call, finished, submit } from '../support/client.ts';

const SSE = { Accept: 'text/event-stream' };

interface Event {
  id: number | undefined;
  event: string | undefined;
  frame: Frame;
}

const eventOf = (block: string): Event => {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
  const id = field('id');
  return {
    id: id === undefined ? undefined : Number(id),
    event: field('event'),
    frame: JSON.parse(field('data') ?? 'null') as Frame,
  };
};

/** Reads events until one fits, or the stream ends. */
const read = async (
  response: Response,
  fits: (event: Event) => boolean = () => false,
): Promise<Event[]> => {
  const events: Event[] = [];
  let rest = '';
  const reader = (response.body as ReadableStream<Uint8Array>)
    .pipeThrough(new TextDecoderStream())
    .getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return events;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop() ?? '';
    events.push(...blocks.filter((block) => block.includes('data:')).map(eventOf));
    if (events.some(fits)) {
      await reader.cancel();
      return events;
    }
  }
};

describe('Server-Sent Events', () => {
  it('of a task: a snapshot, every change, and the end', async () => {
    const { task_id } = await submit('simulate', { duration: 1 });
    const response = await call(`/tasks/${task_id}/events`, { headers: SSE });
    expect([response.status, response.headers.get('Content-Type')]).toEqual([
      200,
      'text/event-stream',
    ]);
    const events = await read(response);
    expect(events[0]).toMatchObject({ event: 'snapshot', frame: { task: { task_id } } });
    expect(events.at(-1)).toMatchObject({
      event: 'update',
      frame: { task: { status: 'COMPLETED', version: 3 } },
      id: 3,
    });
    const ids = events.flatMap(({ id }) => id ?? []);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  });

  it('of a finished task: the snapshot; and nothing for who has seen it', async () => {
    const { task_id, version } = await finished((await submit('sum', { a: 1, b: 1 })).task_id);
    const path = `/tasks/${task_id}/events`;
    expect(await read(await call(path, { headers: SSE }))).toMatchObject([
      { event: 'snapshot', id: version },
    ]);
    expect(
      (await call(path, { headers: { ...SSE, 'Last-Event-ID': String(version) } })).status,
    ).toBe(204);
    expect((await call(path, { headers: { ...SSE, 'Last-Event-ID': '1' } })).status).toBe(200);
  });

  it('of the list, acknowledged by themselves: more than the 32 that may be outstanding', async () => {
    let isOver = false;
    const reading = read(await call('/events', { headers: SSE }), ({ id }) => id === 35).finally(
      () => (isOver = true),
    );
    while (!isOver) {
      await submit('sum', { a: 1, b: 1 });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const events = await reading;
    expect(events[0]).toMatchObject({ event: 'snapshot' });
    expect(events.slice(1).map(({ id }) => id)).toEqual(
      Array.from({ length: 35 }, (_, i) => i + 1),
    );
  }, 30_000);

  it('of nothing is 404, and without being asked for 426', async () => {
    const path = '/tasks/0199b3c2-0000-7000-8000-000000000000/events';
    expect((await call(path, { headers: SSE })).status).toBe(404);
    expect((await call(path)).status).toBe(426);
  });
});

describe('the rest of HTTP', () => {
  it.each(['/tasks', '/tasks/', '/queues', '/health', '/task-types', '/files', '/openapi.json'])(
    'HEAD %s answers like GET, without a body',
    async (path) => {
      const [head, get] = [await call(path, { method: 'HEAD' }), await call(path)];
      expect([head.status, await head.text(), head.headers.get('Content-Type')]).toEqual([
        get.status,
        '',
        get.headers.get('Content-Type'),
      ]);
    },
  );

  it.each([
    ['/tasks', 'GET, HEAD, OPTIONS, POST'],
    ['/tasks/', 'GET, HEAD, OPTIONS, POST'],
    ['/api/tasks/purge', 'GET, HEAD, OPTIONS, POST'],
    ['/files/x.csv', 'DELETE, GET, HEAD, OPTIONS, PUT'],
  ])('OPTIONS %s tells what is allowed', async (path, allow) => {
    const response = await call(path, { method: 'OPTIONS' });
    expect(response.status).toBe(204);
    expect(response.headers.get('Allow')?.split(', ').toSorted().join(', ')).toBe(allow);
    expect((await call('/nowhere', { method: 'OPTIONS' })).status).toBe(404);
  });
});
