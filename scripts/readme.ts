import { readFileSync, writeFileSync } from 'node:fs';
import type * as z from 'zod';
import { builtInHandlers } from '../src/handlers/catalog.ts';
import { settingsFields } from '../src/settings.ts';

// Writes the README's tables from the code that they tell of; with --check, fails if that changes
// anything.

const README = new URL('../README.md', import.meta.url);

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

const TABLES = {
  'task types': table(['type', 'lane', 'does', 'example of its parameters'], types),
  settings: table(['setting', 'default', 'meaning'], settings),
};

const before = readFileSync(README, 'utf8');
let after = before;
for (const [name, text] of Object.entries(TABLES)) {
  const between = new RegExp(`(<!-- ${name} -->)[\\s\\S]*?(<!-- /${name} -->)`);
  if (!between.test(after)) throw new Error(`The README has no place for the ${name}`);
  after = after.replace(
    between,
    (_, open: string, close: string) => `${open}\n\n${text}\n\n${close}`,
  );
}
if (after !== before && process.argv.includes('--check')) {
  console.error(
    'The README tells other task types or settings than the code has: run "npm run readme"',
  );
  process.exit(1);
}
writeFileSync(README, after);
