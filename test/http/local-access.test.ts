import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { app } from '../../src/http/app.ts';
import { createKeyStore } from '../../src/store/keys.ts';
import { storeKey } from '../support/keys.ts';

// The truth table of who gets in without a key: every fact that must hold, true or false, in every
// combination.

const FACTS = [
  'built for development',
  'no key exists',
  'keys can be read',
  'AUTH is not required',
  'URL',
  'Host',
  'address',
  'not forwarded',
  'Origin',
  'Sec-Fetch-Site',
] as const;
type Cell = Record<(typeof FACTS)[number], boolean>;

const FORWARDED = ['Forwarded', 'X-Forwarded-For', 'X-Real-IP', 'CF-Ray', 'MF-Original-URL'];

const cells = Array.from({ length: 2 ** FACTS.length }, (_, bits) =>
  Object.fromEntries(FACTS.map((fact, i) => [fact, (bits & (1 << i)) === 0])),
) as Cell[];

const requestOf = (cell: Cell, index: number): Request =>
  new Request(cell['URL'] ? 'http://localhost:8787/tasks' : 'http://tasker.example/tasks', {
    headers: {
      Host: cell['Host'] ? 'localhost:8787' : 'evil.example:8787',
      'CF-Connecting-IP': cell['address'] ? '127.0.0.1' : '192.168.1.5',
      ...(!cell['not forwarded'] && { [FORWARDED[index % FORWARDED.length] ?? '']: 'x' }),
      ...(!cell['Origin'] && { Origin: index % 3 === 0 ? 'null' : 'https://evil.example' }),
      ...(!cell['Sec-Fetch-Site'] && {
        'Sec-Fetch-Site': index % 2 === 0 ? 'cross-site' : 'same-site',
      }),
    },
  });

/** A database whose keys cannot be read. */
const unreadable = new Proxy(env.DB, {
  get: (database, name) =>
    name === 'prepare'
      ? (sql: string) => {
          if (sql.includes('"keys"')) throw new Error('D1_ERROR: Network connection lost.');
          return database.prepare(sql);
        }
      : Reflect.get(database, name, database),
});

afterEach(() => vi.unstubAllEnvs());

it('opens in exactly one cell of the table', async () => {
  const opened: Cell[] = [];
  const others = new Map<number, number>();
  const tellApart = async (hasKey: boolean): Promise<void> => {
    for (const [index, cell] of cells.entries()) {
      if (cell['no key exists'] === hasKey) continue;
      vi.stubEnv('NODE_ENV', cell['built for development'] ? 'development' : 'production');
      // An environment of its own, so that nothing is held in memory from the last cell.
      const cellEnv = {
        ...env,
        DB: cell['keys can be read'] ? env.DB : unreadable,
        AUTH: cell['AUTH is not required'] ? 'auto' : 'required',
      };
      const { status } = await app.fetch(requestOf(cell, index), cellEnv, createExecutionContext());
      if (status === 200) opened.push(cell);
      else others.set(status, (others.get(status) ?? 0) + 1);
    }
  };
  await env.DB.exec('DELETE FROM keys');
  expect(await createKeyStore(env.DB).isEmpty()).toBe(true);
  await tellApart(false);
  await storeKey('local', ['admin']);
  await tellApart(true);
  expect(opened).toEqual([Object.fromEntries(FACTS.map((fact) => [fact, true]))]);
  expect(Object.fromEntries(others)).toEqual({ 401: cells.length - 1 });
});
