import { describe, expect, it } from 'vitest';
import type { RegisteredType } from '../../src/domain/registered-type.ts';
import { catalog } from '../../src/handlers/catalog.ts';
import { createRegistry } from '../../src/handlers/registry.ts';

const aType = (
  owner: string,
  name: string,
  more: Partial<RegisteredType> = {},
): RegisteredType => ({
  owner,
  name,
  definition: JSON.stringify({ description: name, run: { worker: {} } }),
  paused_until: null,
  secret_version: 0,
  secret_rotated_at: null,
  created_at: 0,
  updated_at: 0,
  created_by_key: null,
  ...more,
});

const setup = () => {
  const stored = new Map<string, RegisteredType>();
  const asked: string[][] = [];
  let now = 0;
  const registry = createRegistry({
    builtIn: catalog,
    getMany: async (owner, names) => {
      asked.push([...names]);
      return names.flatMap((name) => stored.get(`${owner} ${name}`) ?? []);
    },
    now: () => now,
  });
  const put = (owner: string, name: string): void =>
    void stored.set(`${owner} ${name}`, aType(owner, name));
  return { registry, put, asked, pass: (ms: number) => void (now += ms) };
};

describe('the registry', () => {
  it('asks nothing for built-in types, and once for others', async () => {
    const { registry, put, asked } = setup();
    expect(registry.load('a', ['sum', 'sum', 'chatgpt'])).toBeUndefined();
    put('a', 'mine');
    await registry.load('a', ['sum', 'mine', 'nothing']);
    expect(registry.load('a', ['mine', 'nothing'])).toBeUndefined();
    expect(asked).toEqual([['mine', 'nothing']]);
    expect(registry.find('a', 'mine')?.type).toBe('mine');
    expect(registry.find('b', 'mine')).toBeUndefined();
  });

  it('sees a change within 10 s, and a new type within one', async () => {
    const { registry, put, asked, pass } = setup();
    put('a', 'mine');
    await registry.load('a', ['mine', 'later']);
    put('a', 'later');
    pass(1_000);
    await registry.load('a', ['mine', 'later']);
    expect(registry.find('a', 'later')?.type).toBe('later');
    pass(9_000);
    await registry.load('a', ['mine']);
    expect(asked).toEqual([['mine', 'later'], ['later'], ['mine']]);
  });

  it('forgets what was not asked for longest, and never what was just asked for', async () => {
    const { registry, put } = setup();
    put('a', 'mine');
    for (let i = 0; i < 40; i += 1) {
      const names = Array.from({ length: 200 }, (_, j) => `other-${i}-${j}`);
      put('a', names[0] ?? '');
      await registry.load('a', ['mine', ...names]);
      expect([i, registry.find('a', names[0] ?? '')?.type]).toEqual([i, names[0]]);
    }
    expect(registry.list('a').length).toBeLessThan(5_100);
    expect(registry.find('a', 'other-0-0')).toBeUndefined();
  });
});
