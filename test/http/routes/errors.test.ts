import { describe, expect, it } from 'vitest';
import { call } from '../../support/client.ts';
import { storeKey } from '../../support/keys.ts';

const owner = async (name: string) => {
  const { key } = await storeKey(name, ['tasks:read', 'tasks:write']);
  return { headers: { Authorization: `Bearer ${key}` } };
};

describe('/errors', () => {
  it('groups failures by type and message', async () => {
    const mine = await owner('failing');
    const post = async (json: object) =>
      (
        await call('/tasks', {
          json: { max_attempts: 1, ...json },
          headers: { ...mine.headers, Prefer: 'wait=10' },
        })
      ).json();
    await Promise.all([
      post({ type: 'broken', params: {} }),
      post({ type: 'broken', params: {} }),
      post({ type: 'flaky', params: { failures: 9 } }),
    ]);
    const { groups } = await (
      await call('/errors', mine)
    ).json<{ groups: Record<string, unknown>[] }>();
    expect(groups.map(({ type, code, tasks }) => [type, code, tasks])).toEqual([
      ['broken', 'handler_error', 2],
      ['flaky', 'handler_error', 1],
    ]);
  });
});
