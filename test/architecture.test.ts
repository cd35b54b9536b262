import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { RATES } from '../src/domain/rates.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const ROOMS = [
  'domain',
  'schema',
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
  'cli',
  'dashboard',
] as const;
type Room = (typeof ROOMS)[number];

/**
 * Rooms that each serve one purpose beside the engine, which knows them only by what they export.
 */
const GUESTS = ['cache', 'live', 'metrics', 'deliveries', 'access'] as const;

/**
 * Who may import whom, besides itself; type-only imports count. `types:` allows only types of that
 * room, `factories:` only types and functions named `create…`.
 */
const MAY_IMPORT: Record<Room, readonly string[]> = {
  domain: ['types:schema'],
  schema: ['domain/words'],
  settings: ['domain'],
  log: ['domain'],
  handlers: ['domain', 'log'],
  store: ['domain', 'schema', 'log'],
  cache: ['domain', 'log'],
  live: ['domain', 'log'],
  metrics: ['domain', 'log', 'factories:store'],
  deliveries: ['domain', 'log', 'handlers', 'types:store'],
  access: ['domain', 'log', 'types:store'],
  engine: ['domain', 'handlers', 'store', 'log'],
  wiring: ['domain', 'settings', 'log', 'handlers', 'store', 'engine', ...GUESTS],
  http: [
    'domain',
    'handlers/catalog',
    'handlers/bulk-action',
    'wiring',
    'log',
    'metrics',
    'factories:store',
    'types:engine',
    'types:handlers',
  ],
  index: ROOMS,
  client: ['domain'],
  cli: ['client', 'domain'],
  // One list of words for both. The domain is pure, and the bundler drops what the page does not
  // use.
  dashboard: ['domain', 'types:http'],
};

/**
 * The only files that may name the ambient `Env`: the entry, the wiring, the Durable Objects and
 * Hono's context.
 */
const MAY_NAME_ENV = [
  'src/index.ts',
  'src/wiring/platform.ts',
  'src/wiring/services.ts',
  'src/wiring/shared.ts',
  'src/wiring/board-deps.ts',
  'src/wiring/moving.ts',
  'src/wiring/spread-messages.ts',
  'src/settings/fields.ts',
  'src/engine/dispatcher.ts',
  'src/live/board.ts',
  'src/live/worker-board.ts',
  'src/metrics/figures.ts',
  'src/metrics/metrics.ts',
  'src/http/context.ts',
];

interface Import {
  to: string;
  names: string;
  typeOnly: boolean;
}

const listFiles = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => posix.join(folder, file.replaceAll('\\', '/')))
    .filter((file) => /\.tsx?$/.test(file) && !/\.d\.ts$|node_modules/.test(file));
const readSources = (files: readonly string[]) =>
  new Map(files.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]));

const sources = readSources(listFiles('src'));
const around = readSources(['test', 'bench', 'scripts'].flatMap(listFiles));
const everything = new Map([...sources, ...around]);

const stripComments = (source: string): string =>
  source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');

/** The files that a file imports or re-exports by a relative path. */
const findImports = (file: string, source: string): Import[] =>
  [
    ...stripComments(source).matchAll(
      /(?:import|export)\s+(type\s)?([^;'"]*?)from\s+['"](\.[^'"]+)['"]|import\(?\s*['"](\.[^'"]+)['"]/g,
    ),
  ]
    .map(([, type, names, from, bare]) => ({
      to: posix.join(dirname(file), from ?? bare ?? ''),
      names: names ?? '',
      typeOnly: type !== undefined,
    }))
    .filter(({ to }) => /\.tsx?$/.test(to) && !to.endsWith('.d.ts'));

const findRoom = (file: string): string =>
  file
    .replace(/^src\//, '')
    .split('/')[0]
    ?.replace(/\.tsx?$/, '') ?? '';

/** Whether every name in braces is a type or begins with `create`. */
const namesFactories = (names: string): boolean =>
  /^\{.*\}\s*$/s.test(names) &&
  names
    .replaceAll(/[{}]/g, '')
    .split(',')
    .map((name) => name.trim())
    .every((name) => name === '' || /^(type |create[A-Z])/.test(name));

const isAllowed = (from: string, { to, names, typeOnly }: Import): boolean => {
  const [room, target] = [findRoom(from), findRoom(to)];
  return (
    room === target ||
    MAY_IMPORT[room as Room].some(
      (word) =>
        word === target ||
        `src/${word}` === to.replace(/\.tsx?$/, '') ||
        (typeOnly && word === `types:${target}`) ||
        (word === `factories:${target}` && (typeOnly || namesFactories(names))),
    )
  );
};

/** The cycles of imports, each as a path. */
const findCycles = (graph: ReadonlyMap<string, readonly Import[]>): string[] => {
  const done = new Set<string>();
  const walk = (file: string, path: string[]): string[] => {
    if (path.includes(file)) return [[...path.slice(path.indexOf(file)), file].join(' -> ')];
    if (done.has(file)) return [];
    const cycles = (graph.get(file) ?? []).flatMap(({ to }) => walk(to, [...path, file]));
    done.add(file);
    return cycles;
  };
  return [...graph.keys()].flatMap((file) => walk(file, []));
};

/** Whether an arrow function begins at `at`: parameters in parentheses, then `=>`. */
const isArrowAt = (source: string, at: number): boolean => {
  const start = source.indexOf('(', at);
  if (start < 0 || !/^\s*(async\s*)?(<[^()]*>\s*)?$/.test(source.slice(at, start))) return false;
  let depth = 0;
  for (let i = start; i < source.length; i += 1) {
    if (source[i] === '(') depth += 1;
    if (source[i] === ')') depth -= 1;
    if (depth === 0) return /^\)(\s*:[^=;]*)?\s*=>/.test(source.slice(i, i + 500));
  }
  return false;
};

/** Names of functions, wherever a formatted file gives one a name. */
const findFunctionNames = (source: string): string[] => {
  const code = stripComments(source);
  const declared = code.matchAll(/^\s*(?:export )?(?:async )?function\*? (\w+)/gm);
  const methods = code.matchAll(
    /^\s+(?:override |static |async |readonly |\*)*#?(?!if|for|while|switch|catch|return)(\w+)(?:<[^()]*>)?\((?:[^()]|\([^()]*\))*\)(?:: [^{;]+?)?(?: \{|;)$/gm,
  );
  const assigned = [
    ...code.matchAll(/(?:const|let) (\w+)(?:: [^=\n]+)? = /g),
    ...code.matchAll(/^\s+(?:readonly |static )*#?(\w+)(?: =|:) /gm),
  ];
  const arrows = assigned.filter((match) => isArrowAt(code, match.index + match[0].length));
  return [...declared, ...methods, ...arrows].map(([, name]) => name ?? '');
};

const IRREGULAR = 'written|shown|held|told|made|sent|taken|found|known|kept|left|lost|done|gone';
const PARTICIPLE = new RegExp(`^([a-z]+(ed|ing)|${IRREGULAR})([A-Z]|$)`);
/** Verbs that end like one, and `scheduled`, the platform's name for a cron trigger. */
const NO_PARTICIPLES = ['scheduled', 'ping'];

const exportedNames = (source: string): string[] =>
  [
    ...stripComments(source).matchAll(
      /^export (?:default )?(?:abstract |async )?(?:const|let|function\*?|class|interface|type|enum) (\w+)/gm,
    ),
  ].map(([, name]) => name ?? '');

it('documents the rates that wrangler.toml has', () => {
  const toml = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8');
  const limits = [...toml.matchAll(/simple = \{ limit = (\d+), period = (\d+) \}/g)].map(
    ([, limit, period]) => [Number(limit), Number(period)],
  );
  expect(limits).toEqual(
    Object.values(RATES).map(({ limit, windowSeconds, weight }) => [limit / weight, windowSeconds]),
  );
});

describe('the house', () => {
  const graph = new Map([...sources].map(([file, source]) => [file, findImports(file, source)]));

  it('has only the rooms of the plan, and every import leads to a file', () => {
    for (const [file, imports] of graph) {
      expect(ROOMS).toContain(findRoom(file));
      for (const { to } of imports) expect([...sources.keys()], `${file}: ${to}`).toContain(to);
    }
    expect(sources.size).toBeGreaterThan(100);
  });

  it('lets each room import only what the table allows', () => {
    const forbidden = [...graph].flatMap(([from, imports]) =>
      imports.filter((each) => !isAllowed(from, each)).map(({ to }) => `${from} -> ${to}`),
    );
    expect(forbidden).toEqual([]);
  });

  it('has no import cycle, nor have tests, benchmarks and scripts', () => {
    const whole = [...everything].map(([file, source]) => [file, findImports(file, source)]);
    expect(findCycles(new Map(whole as [string, Import[]][]))).toEqual([]);
  });

  it('names Env in its few places only', () => {
    const naming = [...sources]
      .filter(([, source]) => /\bEnv\b/.test(stripComments(source)))
      .map(([file]) => file);
    expect(naming.filter((file) => !MAY_NAME_ENV.includes(file))).toEqual([]);
  });

  it('speaks SQL in the store only, and prints in the log only', () => {
    const findFiles = (pattern: RegExp) =>
      [...sources]
        .filter(([, source]) => pattern.test(stripComments(source)))
        .map(([file]) => file);
    expect(
      findFiles(/\b(INSERT INTO|UPDATE \w+\s+SET|DELETE FROM|SELECT [\w*(].*\sFROM)\b/).filter(
        (file) => findRoom(file) !== 'store',
      ),
    ).toEqual([]);
    expect(findFiles(/\bconsole\./).toSorted()).toEqual(['src/client/warn.ts', 'src/log.ts']);
  });

  it('has a test of its name for every file of the engine and the store', () => {
    const tested = (file: string): string =>
      file.replace(/^src\//, 'test/').replace(/\.ts$/, '.test.ts');
    const rooms = [...sources.keys()].filter((file) => /^src\/(engine|store)\//.test(file));
    expect(rooms.filter((file) => !around.has(tested(file)))).toEqual([]);
  });
});

describe('the words', () => {
  it('names no function by a participle', () => {
    const found = [...sources].flatMap(([file, source]) =>
      findFunctionNames(source)
        .filter((name) => PARTICIPLE.test(name) && !NO_PARTICIPLES.includes(name))
        .map((name) => `${file}: ${name}`),
    );
    expect(found).toEqual([]);
  });

  it('exports no name from two rooms; the entry has to export the classes of Durable Objects', () => {
    const rooms = new Map<string, Set<string>>();
    for (const [file, source] of sources)
      for (const name of exportedNames(source))
        if (findRoom(file) !== 'index')
          rooms.set(name, (rooms.get(name) ?? new Set()).add(findRoom(file)));
    // The package's own words for the contract: a test holds them against the service's.
    for (const file of [
      'src/client/types.ts',
      'src/client/limit-types.ts',
      'src/client/flow-types.ts',
      'src/client/frames.ts',
    ])
      for (const name of exportedNames(sources.get(file) ?? '')) rooms.get(name)?.delete('client');
    const shared = [...rooms].filter(([, each]) => each.size > 1).map(([name]) => name);
    expect(shared).toEqual([]);
  });
});

describe('the layout', () => {
  it('turns the formatter off at most ten times', () => {
    const ignores = [...everything]
      .filter(([file]) => file !== 'test/architecture.test.ts')
      .flatMap(([, source]) => source.match(/prettier-ignore/g) ?? []);
    expect(ignores.length).toBeLessThanOrEqual(10);
  });

  it('has no comment beyond 120 characters, and no file of the service beyond 200 lines', () => {
    const wide = [...everything].flatMap(([file, source]) =>
      source
        .split('\n')
        .filter((line) => line.length > 120 && /^\s*(\/\/|\/?\*)/.test(line))
        .map((line) => `${file}: ${line}`),
    );
    expect(wide).toEqual([]);
    const long = [...sources]
      // The page's three long ones wait for its new design.
      .filter(([file, source]) => findRoom(file) !== 'dashboard' && source.split('\n').length > 201)
      .map(([file]) => file);
    expect(long).toEqual([]);
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
      const [found] = findImports('src/domain/task.ts', form);
      expect(found?.to, form).toBe('src/store/tasks.ts');
      expect(found && isAllowed('src/domain/task.ts', found)).toBe(false);
    }
    const to = 'src/store/tasks.ts';
    const from = 'src/http/app.ts';
    const isOpen = (names: string, typeOnly: boolean) => isAllowed(from, { to, names, typeOnly });
    expect(isOpen('{ Task }', true)).toBe(true);
    expect(isOpen('{ createTaskStore, type Task }', false)).toBe(true);
    expect(isOpen('{ MAX_ROWS }', false)).toBe(false);
  });

  it('sees a participle, and an exported name, in each of their forms', () => {
    const source = [
      'export const answered = async <T>(a: (b: T) => void): Promise<T> => 1;',
      'const value = (await answered(1)).x;',
      'export class Box {',
      '  held(): void {',
      '  }',
      '  readonly #told = () => 2;',
      '}',
      'const made = {',
      '  asking: (a: number) => 3,',
      '  async ping(a: () => void) {',
      '  },',
      '};',
      'interface Deps {',
      '  shown(a: string): void;',
      '}',
      'export async function writtenDown() {}',
    ].join('\n');
    const names = findFunctionNames(source);
    expect(names.toSorted()).toEqual(
      ['answered', 'held', 'told', 'asking', 'ping', 'shown', 'writtenDown'].toSorted(),
    );
    expect(names.filter((name) => !PARTICIPLE.test(name))).toEqual([]);
    expect(['list', 'readText', 'findHeld'].filter((name) => PARTICIPLE.test(name))).toEqual([]);
    expect(
      exportedNames('export const a = 1;\nexport type B = 2;\nexport async function c() {}'),
    ).toEqual(['a', 'B', 'c']);
  });

  it('sees a cycle', () => {
    const to = (file: string): Import[] => [{ to: file, names: '', typeOnly: false }];
    expect(
      findCycles(
        new Map([
          ['a', to('b')],
          ['b', to('a')],
        ]),
      ),
    ).toEqual(['a -> b -> a']);
  });
});
