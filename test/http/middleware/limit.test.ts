import { exports } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { RATES } from '../../../src/domain/rates.ts';
import { call } from '../../support/client.ts';
import { storeKey } from '../../support/keys.ts';

const post = (key: string, body: object): Promise<Response> =>
  exports.default.fetch(
    new Request('http://localhost:8787/tasks', {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    }),
  );

it('limits what costs money, owner by owner, however many keys one has', async () => {
  const [one, other] = [
    await storeKey('billed', ['tasks:write']),
    await storeKey('billed too', ['tasks:write']),
  ];
  const second = await storeKey('billed', ['tasks:write']);
  const mail = {
    type: 'email_sending',
    params: { to: 'a@example.com', subject: 'x', text: 'x' },
    delay_seconds: 600,
  };
  const answers: Response[] = [];
  for (let i = 0; i < RATES.metered.limit + 5; i += 1) answers.push(await post(one.key, mail));
  expect(answers.slice(0, RATES.metered.limit).every(({ status }) => status === 202)).toBe(true);
  const refused = answers.at(-1) as Response;
  expect(refused.status).toBe(429);
  expect(Object.fromEntries(refused.headers)).toMatchObject({
    'retry-after': '60',
    'ratelimit-policy': '"costed";q=60;w=60',
    ratelimit: '"costed";r=0;t=60',
  });
  expect(await refused.json()).toMatchObject({ code: 'rate_limited' });
  expect((await post(other.key, mail)).status).toBe(202);
  expect((await post(second.key, mail)).status).toBe(429);
  const [first] = await Promise.all(
    answers.slice(0, 1).map((answer) => answer.json<{ task_id: string }>()),
  );
  const again = await exports.default.fetch(
    new Request(`http://localhost:8787/tasks/${first?.task_id}/retry`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${one.key}` },
    }),
  );
  expect(again.status).toBe(429);
  const cheap = await post(one.key, { type: 'sum', params: { a: 1, b: 1 } });
  expect([cheap.status, cheap.headers.get('RateLimit-Policy')]).toEqual([
    202,
    '"writes";q=6000;w=60',
  ]);
  expect((await call('/tasks')).headers.get('RateLimit-Policy')).toBeNull();
});
