import Mustache from 'mustache';
import { suggest } from '../../domain/suggest.ts';
import { isBlank } from '../../domain/text.ts';

/**
 * What a variable holds: a text (or a number, or a truth), a link of http or https, or a list of
 * rows, each with texts of these names.
 */
type VariableKind = 'text' | 'link' | { rows: readonly string[] };

/** A mail in both forms, written in Mustache: logic-less, and escaped in the HTML. */
export interface EmailTemplate {
  name: string;
  variables: Readonly<Record<string, VariableKind>>;
  /** Those that must be given. */
  needs: readonly string[];
  text: string;
  html: string;
}

export type Variables = Record<string, unknown>;

const isText = (value: unknown): boolean =>
  typeof value === 'string' ? !isBlank(value) : ['number', 'boolean'].includes(typeof value);

const PROBLEMS = {
  text: (value: unknown) => (isText(value) ? null : 'This must be a text that is not empty'),
  link: (value: unknown) =>
    typeof value === 'string' && /^https?:\/\//i.test(value)
      ? null
      : 'A link begins with http:// or https://',
  rows: (value: unknown) =>
    Array.isArray(value) && value.every((row) => typeof row === 'object' && row !== null)
      ? null
      : 'This must be a list of objects',
};

/** The variables that are missing or of another kind than their template's, each with why. */
export const findWrongVariables = (
  template: EmailTemplate | undefined,
  given: Variables,
): [name: string, message: string][] => [
  ...Object.keys(template ? given : {})
    .filter((name) => !Object.hasOwn(template?.variables ?? {}, name))
    .map((name): [string, string] => [
      name,
      `The template "${template?.name}" has no "${name}"${suggest(name, Object.keys(template?.variables ?? {}))}`,
    ]),
  ...Object.entries(template?.variables ?? {}).flatMap(([name, kind]): [string, string][] => {
    const value = given[name] ?? null;
    if (value === null)
      return template?.needs.includes(name)
        ? [[name, `The template "${template.name}" needs "${name}"`]]
        : [];
    const problem = PROBLEMS[typeof kind === 'string' ? kind : 'rows'](value);
    return problem === null ? [] : [[name, problem]];
  }),
];

/** Its own names alone: Mustache would look up what is missing in whatever stands around it. */
const pick = (names: readonly string[], from: Variables): Variables =>
  Object.fromEntries(
    names.map((name) => [name, Object.hasOwn(from, name) ? (from[name] ?? '') : '']),
  );

/** Fills a template in; what is text stays text, in both forms. */
export const render = (
  { text, html, variables: kinds }: EmailTemplate,
  given: Variables,
): { text: string; html: string } => {
  const variables = pick(Object.keys(kinds), given);
  for (const [name, kind] of Object.entries(kinds))
    if (typeof kind === 'object' && Array.isArray(variables[name]))
      variables[name] = (variables[name] as Variables[]).map((row) => pick(kind.rows, row));
  return {
    text: Mustache.render(text, variables, {}, { escape: String }),
    html: Mustache.render(html, variables),
  };
};

/** The frame of every HTML mail. */
export const page = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${title}</title></head>
<body style="margin:0;padding:24px;background:#f5f6f8;font:16px/1.5 system-ui,sans-serif;color:#1b1f24">
<div style="max-width:560px;margin:auto;padding:24px;background:#fff;border-radius:8px">
${body}
</div>
</body>
</html>`;
