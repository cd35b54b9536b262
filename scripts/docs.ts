import { readFileSync, writeFileSync } from 'node:fs';
import type * as z from 'zod';
import { builtInHandlers } from '../src/handlers/catalog.ts';
import { lifecycle, type Transition } from '../src/domain/lifecycle.ts';
import { settingsFields } from '../src/settings/fields.ts';
import { SOURCES } from '../bench/scale/assumptions.ts';
import type { ScaleFigures } from '../bench/scale/figures.ts';

// Writes the parts of the documents that the code has: with --check, fails if that changes any.

const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const defaultOf = (name: string, schema: z.ZodType): string => {
  const described = schema.meta()?.['default'];
  if (typeof described === 'string') return described;
  const parsed = schema.safeParse(undefined);
  if (!parsed.success) throw new Error(`${name} has no default`);
  return parsed.data === undefined ? '–' : `\`${JSON.stringify(parsed.data).replaceAll('"', '')}\``;
};

const settings = Object.entries<z.ZodType>(settingsFields).map(([name, schema]) => {
  const description = schema.meta()?.description;
  if (!description) throw new Error(`${name} has no description`);
  return [`\`${name}\``, defaultOf(name, schema), description];
});

const code = (text: string): string => `\`${text}\``;
const types = builtInHandlers.map(
  ({ type, aliases, description, lane, example, needs, reuseSeconds }) => {
    const names = [type, ...aliases].map(code).join(', ');
    const more = [
      ...(needs.length > 0 ? [`Needs ${needs.map(code).join(', ')}.`] : []),
      ...(reuseSeconds === undefined ? [] : [`An output is used again for ${reuseSeconds} s.`]),
    ];
    return [
      names,
      lane,
      [description, ...more].join(' '),
      code(JSON.stringify(example).replaceAll('|', '\\|')),
    ];
  },
);

/** The state machine as a diagram: an arrow for each status that a transition leaves. */
const lifecycleDiagram = (): string => {
  const arrows: string[] = [];
  for (const [name, transition] of Object.entries<Transition>(lifecycle)) {
    const { from, to, ifScheduled, ifReused, ifDirect, ifPure } = transition;
    if (to === null) continue;
    const starts = from.length === 0 ? ['[*]'] : from;
    for (const start of starts) {
      arrows.push(`  ${start} --> ${to}: ${name}`);
      if (ifScheduled) arrows.push(`  ${start} --> ${ifScheduled}: ${name}, for later`);
      if (ifReused) arrows.push(`  ${start} --> ${ifReused}: ${name}, output reused`);
      if (ifDirect) arrows.push(`  ${start} --> ${ifDirect}: ${name}, somebody waits`);
      if (ifPure) arrows.push(`  ${start} --> ${ifPure}: ${name}, somebody waits, pure`);
    }
  }
  return ['```mermaid', 'stateDiagram-v2', ...arrows, '```'].join('\n');
};

const scale = JSON.parse(
  readFileSync(new URL('../docs/performance-scale.json', import.meta.url), 'utf8'),
) as ScaleFigures[];
const number = (value: number): string => value.toLocaleString('en').replaceAll(',', ' ');
const scaleRows = scale.map(({ shards, single, bulk, half, ...more }) => [
  String(shards),
  number(single.submits_per_second),
  number(single.ended_per_second),
  number(bulk.tasks_per_second),
  number(bulk.ended_per_second),
  [half.latency_p50_ms, half.latency_p95_ms, half.latency_p99_ms].map(Math.round).join(' / '),
  String(half.dollars_a_million),
  String(more.kept_30_days_per_second),
  String(more.days_until_full),
]);

const PARTS = [
  {
    file: 'docs/task-types.md',
    name: 'task types',
    text: table(['type', 'lane', 'does', 'example of its parameters'], types),
  },
  {
    file: 'docs/configuration.md',
    name: 'settings',
    text: table(['setting', 'default', 'meaning'], settings),
  },
  { file: 'docs/architecture.md', name: 'lifecycle', text: lifecycleDiagram() },
  {
    file: 'docs/performance.md',
    name: 'assumptions',
    text: table(
      ['what', 'assumed', 'from'],
      [...SOURCES].map((row) => [...row]),
    ),
  },
  {
    file: 'docs/performance.md',
    name: 'scale',
    text: table(
      [
        'databases',
        'submits/s, one by one',
        'ended/s',
        'tasks/s, 100 a request',
        'ended/s',
        'submit to outcome, p50 / p95 / p99 ms',
        '$ a million',
        'tasks/s that fit for 30 days',
        'days until full',
      ],
      scaleRows,
    ),
  },
];

for (const { file, name, text } of PARTS) {
  const path = new URL(`../${file}`, import.meta.url);
  const before = readFileSync(path, 'utf8');
  const between = new RegExp(`(<!-- ${name} -->)[\\s\\S]*?(<!-- /${name} -->)`);
  if (!between.test(before)) throw new Error(`${file} has no place for the ${name}`);
  const after = before.replace(
    between,
    (_, open: string, close: string) => `${open}\n\n${text}\n\n${close}`,
  );
  if (after === before) continue;
  if (process.argv.includes('--check')) {
    console.error(`${file} tells other ${name} than the code has: run "npm run docs"`);
    process.exit(1);
  }
  writeFileSync(path, after);
}
