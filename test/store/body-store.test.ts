import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { readStub } from '../../src/domain/body.ts';
import { createBodyStore } from '../../src/store/body-store.ts';
import { byteBudget } from '../support/deps.ts';

const bodies = createBodyStore(env.FILES, byteBudget);
const nameOf = (stub: string): string => readStub(stub)?.name ?? expect.fail(stub);

it('keeps each text under a name of its own, by its attempt', async () => {
  const key = { owner: 'a:b@c', id: '1' };
  const first = nameOf(await bodies.put(key, 1, '"late"'));
  const second = nameOf(await bodies.put(key, 2, '"é"'));
  expect([first.slice(0, 2), second.slice(0, 2)]).toEqual(['1-', '2-']);
  expect(await bodies.readText({ ...key, name: second })).toBe('"é"');
  expect(await bodies.has({ ...key, name: first })).toBe(true);
  await bodies.removeMany([{ ...key, name: first }]);
  expect(await bodies.readText({ ...key, name: first })).toBeNull();
  expect(await bodies.open({ ...key, name: first })).toBeNull();
  expect(await bodies.has({ ...key, name: first })).toBe(false);
});

it('streams in and out', async () => {
  const key = { owner: 'streams', id: '1' };
  const content = async function* () {
    yield new TextEncoder().encode('[1,');
    yield new TextEncoder().encode('2]');
  };
  const { bytes, name, stub } = await bodies.save(key, 3, content());
  expect([bytes, readStub(stub)]).toEqual([5, { bytes: 5, name }]);
  const found = await bodies.open({ ...key, name });
  expect(await new Response(found?.body).text()).toBe('[1,2]');
});

it('lists all by pages, and deletes those of an owner, no one else’s and no file', async () => {
  // An owner may have a name that looks like our folder.
  for (const owner of ['bodies', ':bodies', 'x'])
    for (let i = 0; i < 3; i += 1) await bodies.put({ owner, id: String(i) }, 0, '1');
  await env.FILES.put('bodies/file.txt', 'mine');
  const { bodies: listed, next } = await bodies.list(undefined);
  expect(next).toBeUndefined();
  expect(listed.filter(({ owner }) => owner === ':bodies')).toHaveLength(3);
  expect(await bodies.removeAll(':bodies')).toBe(3);
  expect(await bodies.removeAll('bodies')).toBe(3);
  const left = (await bodies.list(undefined)).bodies.map(({ owner }) => owner);
  expect(left.filter((owner) => owner === 'x')).toHaveLength(3);
  expect(left).not.toContain('bodies');
  expect(await env.FILES.head('bodies/file.txt')).not.toBeNull();
});
