import { readFileSync, writeFileSync } from 'node:fs';
import type * as z from 'zod';
import { settingsFields } from '../src/settings.ts';

// Writes the README's table of settings from the schema that reads them; with --check, fails if that changes anything.

const README = new URL('../README.md', import.meta.url);
const BETWEEN = /(<!-- settings -->)[\s\S]*?(<!-- \/settings -->)/;

const defaultOf = (name: string, schema: z.ZodType): string => {
  const described = schema.meta()?.['default'];
  if (typeof described === 'string') return described;
  const parsed = schema.safeParse(undefined);
  if (!parsed.success) throw new Error(`${name} has no default`);
  return parsed.data === undefined ? '–' : `\`${JSON.stringify(parsed.data).replaceAll('"', '')}\``;
};

const rows = Object.entries<z.ZodType>(settingsFields).map(([name, schema]) => {
  const description = schema.meta()?.description;
  if (!description) throw new Error(`${name} has no description`);
  return `| \`${name}\` | ${defaultOf(name, schema)} | ${description} |`;
});

const before = readFileSync(README, 'utf8');
if (!BETWEEN.test(before)) throw new Error('The README has no place for the settings');
const after = before.replace(
  BETWEEN,
  `$1\n\n${['| setting | default | meaning |', '| --- | --- | --- |', ...rows].join('\n')}\n\n$2`,
);
if (after !== before && process.argv.includes('--check')) {
  console.error('The README tells other settings than src/settings.ts has: run "npm run readme"');
  process.exit(1);
}
writeFileSync(README, after);
