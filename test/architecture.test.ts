import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { RATES } from '../src/domain/rates.ts';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

const ROOMS = [
  'domain',
  'settings',
  'log',
  'handlers',
  'store',
  'cache',
  'live',
  'metrics',
  'deliveries',
  'access',
  'engine',
  'wiring',
  'http',
  'index',
  'client',
  'dashboard',
] as const;
type Room = (typeof ROOMS)[number];

/**
 * Rooms that each serve one purpose beside the engine, which knows them only by what they export.
 */
const GUESTS = ['cache', 'live', 'metrics', 'deliveries', 'access'] as const;

/**
 * Who may import whom, besides itself; type-only imports count. `types:` allows only types of that
 * room.
 */
const MAY_IMPORT: Record<Room, readonly string[]> = {
  domain: [],
  settings: ['domain'],
  log: ['domain'],
  handlers: ['domain', 'log'],
  store: ['domain', 'log'],
  cache: ['domain', 'log'],
  live: ['domain', 'log'],
  metrics: ['domain', 'log'],
  deliveries: ['domain', 'log', 'handlers', 'types:store'],
  access: ['domain', 'log', 'types:store'],
  engine: ['domain', 'handlers', 'store', 'log', ...GUESTS],
  wiring: ['domain', 'settings', 'log', 'handlers', 'store', 'engine', ...GUESTS],
  http: ['domain', 'handlers/catalog', 'wiring', 'log', 'metrics', 'types:store', 'types:engine'],
  index: ROOMS,
  client: ['types:domain', 'types:http'],
  // One list of words for both. The domain is pure, and the bundler drops what the page does not
  // use.
  dashboard: ['domain', 'types:http'],
};

/**
 * The only files that may name the ambient `Env`: the entry, the wiring, the Durable Objects and
 * Hono's context.
 */
const MAY_NAME_ENV = [
  'index.ts',
  'wiring/services.ts',
  'settings.ts',
  'engine/dispatcher.ts',
  'live/board.ts',
  'metrics/metrics.ts',
  'http/context.ts',
];

interface Import {
  to: string;
  typeOnly: boolean;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.d.ts'));
const sources = new Map(files.map((file) => [file, readFileSync(join(SRC, file), 'utf8')]));

const withoutComments = (source: string): string =>
  source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');

/** What a file imports or re-exports from `src`, as paths below it. */
const importsOf = (file: string, source: string): Import[] =>
  [
    ...withoutComments(source).matchAll(
      /(?:import|export)\s+(type\s)?[^;'"]*?from\s+['"](\.[^'"]+)['"]|import\(?\s*['"](\.[^'"]+)['"]/g,
    ),
  ]
    .map(([, type, from, bare]) => ({
      to: posix.join(dirname(file), from ?? bare ?? ''),
      typeOnly: type !== undefined,
    }))
    .filter(({ to }) => !to.startsWith('..') && !to.endsWith('.css'));

const graph = new Map([...sources].map(([file, source]) => [file, importsOf(file, source)]));
const roomOf = (file: string): string => file.split('/')[0]?.replace(/\.tsx?$/, '') ?? '';

const isAllowed = (from: string, { to, typeOnly }: Import): boolean => {
  const [room, target] = [roomOf(from), roomOf(to)];
  const allowed = MAY_IMPORT[room as Room];
  return (
    room === target ||
    allowed.some(
      (word) =>
        word === target ||
        word === to.replace(/\.tsx?$/, '') ||
        (typeOnly && word === `types:${target}`),
    )
  );
};

it('tells clients the rates that wrangler.toml has', () => {
  const toml = readFileSync(fileURLToPath(new URL('../wrangler.toml', import.meta.url)), 'utf8');
  const limits = [...toml.matchAll(/simple = \{ limit = (\d+), period = (\d+) \}/g)].map(
    ([, limit, period]) => [Number(limit), Number(period)],
  );
  expect(limits).toEqual(
    Object.values(RATES).map(({ limit, windowSeconds, weight }) => [limit / weight, windowSeconds]),
  );
});

describe('the house', () => {
  it('has only the rooms of the plan, and every import leads to a file', () => {
    for (const [file, imports] of graph) {
      expect(ROOMS).toContain(roomOf(file));
      for (const { to } of imports) expect(files, `${file} imports ${to}`).toContain(to);
    }
    expect(files.length).toBeGreaterThan(30);
  });

  it('lets each room import only what the table allows', () => {
    const forbidden = [...graph].flatMap(([from, imports]) =>
      imports.filter((each) => !isAllowed(from, each)).map(({ to }) => `${from} -> ${to}`),
    );
    expect(forbidden).toEqual([]);
  });

  it('has no import cycle', () => {
    const done = new Set<string>();
    const walk = (file: string, path: string[]): string[] => {
      if (path.includes(file)) return [[...path.slice(path.indexOf(file)), file].join(' -> ')];
      if (done.has(file)) return [];
      const cycles = (graph.get(file) ?? []).flatMap(({ to }) => walk(to, [...path, file]));
      done.add(file);
      return cycles;
    };
    expect(files.flatMap((file) => walk(file, []))).toEqual([]);
  });

  it('names Env in its few places alone', () => {
    const naming = [...sources]
      .filter(([, source]) => /\bEnv\b/.test(withoutComments(source)))
      .map(([file]) => file);
    expect(naming.filter((file) => !MAY_NAME_ENV.includes(file))).toEqual([]);
  });

  it('speaks SQL in the store alone, and prints in the log alone', () => {
    const found = (pattern: RegExp) =>
      [...sources]
        .filter(([, source]) => pattern.test(withoutComments(source)))
        .map(([file]) => file);
    expect(
      found(/\b(INSERT INTO|UPDATE \w+ SET|DELETE FROM|SELECT [\w*(].* FROM)\b/).filter(
        (file) => roomOf(file) !== 'store',
      ),
    ).toEqual([]);
    expect(found(/\bconsole\./)).toEqual(['log.ts']);
  });
});

describe('this test', () => {
  it('sees an arrow that is forbidden, in each of its forms', () => {
    const forms = [
      "import { a } from '../store/tasks.ts';",
      "import type { A } from '../store/tasks.ts';",
      "export * from '../store/tasks.ts';",
      "await import('../store/tasks.ts')",
      "import '../store/tasks.ts';",
    ];
    for (const form of forms) {
      const [found] = importsOf('domain/task.ts', form);
      expect(found?.to, form).toBe('store/tasks.ts');
      expect(found && isAllowed('domain/task.ts', found)).toBe(false);
    }
    expect(isAllowed('http/app.ts', { to: 'store/tasks.ts', typeOnly: true })).toBe(true);
    expect(isAllowed('http/app.ts', { to: 'store/tasks.ts', typeOnly: false })).toBe(false);
  });
});
