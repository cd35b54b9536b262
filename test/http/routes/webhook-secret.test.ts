import { expect, it } from 'vitest';
import { call } from '../../support/client.ts';
import { storeKey } from '../../support/keys.ts';

interface Secret {
  secret: string;
  previous: { secret: string; until: string } | null;
}
const of = async (owner: string) => {
  const headers = { Authorization: `Bearer ${(await storeKey(owner, ['admin'])).key}` };
  const ask = async (path = '', method = 'GET'): Promise<Secret> =>
    (await call(`/webhook-secret${path}`, { method, headers })).json();
  return { get: () => ask(), rotate: () => ask('/rotate', 'POST') };
};

it('is another one for each owner, and the same each time', async () => {
  const [one, two] = [await of('hook-one'), await of('hook-two')];
  const first = await one.get();
  expect(first).toEqual({ secret: expect.stringMatching(/^whsec_.{44}$/), previous: null });
  expect(await one.get()).toEqual(first);
  expect((await two.get()).secret).not.toBe(first.secret);
});

it('overlaps with the one before for a day when it is rotated', async () => {
  const one = await of('hook-rotated');
  const { secret } = await one.get();
  const rotated = await one.rotate();
  expect(rotated.secret).not.toBe(secret);
  expect(rotated.previous?.secret).toBe(secret);
  const left = Date.parse(rotated.previous?.until ?? '') - Date.now();
  expect(Math.abs(left - 86_400_000)).toBeLessThan(60_000);
});

it('is not for keys that are no admin’s', async () => {
  const { key } = await storeKey('hook-one', ['tasks:read', 'tasks:write']);
  const headers = { Authorization: `Bearer ${key}` };
  expect((await call('/webhook-secret', { headers })).status).toBe(403);
});
