import { Validator, type OutputUnit, type Schema } from '@cfworker/json-schema';
import { isObject } from './json.ts';
import { suggest } from './suggest.ts';

// JSON Schema (draft 2020-12) as strangers may write it: interpreted, with a bound on what a check
// costs. https://json-schema.org/draft/2020-12/json-schema-validation

/** Bytes of a schema, as JSON. */
const MAX_SCHEMA_BYTES = 16_384;
/** Schemas that one check may visit: a list of some thousand items, and no endless recursion. */
const MAX_STEPS = 10_000;
/** Findings that are told of one value. */
const MAX_FINDINGS = 20;

const splitNames = (text: string): string[] => text.trim().split(/\s+/);

/** Keywords whose value is one schema, a list of schemas, or schemas by name. */
const WITH_SCHEMA = splitNames(
  'items not if then else contains additionalProperties unevaluatedProperties unevaluatedItems',
);
const WITH_LIST = splitNames('allOf anyOf oneOf prefixItems');
const WITH_NAMES = splitNames('properties $defs definitions dependentSchemas');
const KEYWORDS = new Set([
  ...WITH_SCHEMA,
  ...WITH_LIST,
  ...WITH_NAMES,
  ...splitNames(`
    $schema $ref $comment type const enum required format minProperties maxProperties
    dependentRequired minItems maxItems uniqueItems minContains maxContains minimum maximum
    exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength
    title description default examples example deprecated readOnly writeOnly
  `),
]);
const FORMATS = splitNames(
  'date date-time time duration email hostname ipv4 ipv6 uri uri-reference uuid json-pointer',
);
/** What is not taken, and why. */
const REFUSED: Record<string, string> = {
  pattern: 'a pattern may take for ever: use enum, format, minLength or maxLength',
  patternProperties: 'a pattern may take for ever: name the properties',
  propertyNames: 'name the properties instead',
  $dynamicRef: 'use $ref',
  $id: 'there is one document: refer to its parts by #/$defs/…',
  $anchor: 'refer to parts by #/$defs/…',
};

/** Something about a value or a schema; `path` in names and places. */
export interface Finding {
  path: (string | number)[];
  message: string;
}

/** What is wrong with a schema that somebody wants to register; empty: nothing. */
export const findSchemaProblems = (schema: unknown): Finding[] => {
  const found: Finding[] = [];
  const report = (path: (string | number)[], message: string): void => {
    if (found.length < MAX_FINDINGS) found.push({ path, message });
  };
  const visitKeyword = (keyword: string, value: unknown, path: (string | number)[]): void => {
    const reason = REFUSED[keyword];
    if (reason !== undefined) return report(path, `\`${keyword}\` is not taken: ${reason}`);
    if (!KEYWORDS.has(keyword))
      return report(
        path,
        `There is no keyword \`${keyword.slice(0, 50)}\`${suggest(keyword, [...KEYWORDS], 'keywords')}`,
      );
    if (keyword === '$ref' && !(typeof value === 'string' && /^#(\/|$)/.test(value)))
      return report(path, '`$ref` must point into this schema, such as #/$defs/address');
    if (keyword === 'format' && !FORMATS.includes(String(value)))
      return report(path, `\`format\` must be one of ${FORMATS.join(', ')}`);
    if (WITH_SCHEMA.includes(keyword)) return visit(value, path);
    if (WITH_LIST.includes(keyword)) {
      if (!Array.isArray(value)) return report(path, `\`${keyword}\` must be a list of schemas`);
      return value.forEach((each, i) => visit(each, [...path, i]));
    }
    if (WITH_NAMES.includes(keyword)) {
      if (!isObject(value)) return report(path, `\`${keyword}\` must have schemas by name`);
      for (const [name, each] of Object.entries(value)) visit(each, [...path, name]);
    }
  };
  const visit = (value: unknown, path: (string | number)[]): void => {
    if (typeof value === 'boolean') return;
    if (!isObject(value)) return report(path, 'A schema is an object, or true, or false');
    for (const [keyword, each] of Object.entries(value))
      visitKeyword(keyword, each, [...path, keyword]);
    // Each item is compared with each other one.
    const { items } = value;
    const isScalar =
      isObject(items) && ['string', 'number', 'integer', 'boolean'].includes(String(items['type']));
    if (value['uniqueItems'] === true && !isScalar)
      report(
        [...path, 'uniqueItems'],
        '`uniqueItems` is taken where `items` has a type of its own that is no object and no list',
      );
  };
  if (!isObject(schema)) return [{ path: [], message: 'A schema must be an object' }];
  const bytes = new TextEncoder().encode(JSON.stringify(schema)).byteLength;
  if (bytes > MAX_SCHEMA_BYTES)
    return [
      {
        path: [],
        message: `A schema has at most ${MAX_SCHEMA_BYTES} bytes; this one has ${bytes}`,
      },
    ];
  visit(schema, []);
  if (found.length > 0) return found;
  try {
    compileSchema(schema);
  } catch (error) {
    report([], `This is no JSON Schema: ${(error as Error).message.slice(0, 200)}`);
  }
  return found;
};

class TooManySteps extends Error {}

/** Lets every visit of a schema be counted, for the library has no bound of its own. */
const countVisits = (schema: unknown, count: () => void): void => {
  if (Array.isArray(schema)) return schema.forEach((each) => countVisits(each, count));
  if (!isObject(schema)) return;
  for (const each of Object.values(schema)) countVisits(each, count);
  const { $ref } = schema;
  Object.defineProperty(schema, '$ref', {
    enumerable: $ref !== undefined,
    get: () => {
      count();
      return $ref;
    },
  });
};

const toPath = (pointer: string): (string | number)[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d{1,9}$/.test(part) ? Number(part) : part));

const REQUIRED = /required property "(.*)"\.$/s;

/** A finding of the library in words of ours. */
const toFinding = ({ keyword, instanceLocation, error }: OutputUnit): Finding => {
  const path = toPath(instanceLocation);
  const name = path.length === 0 ? 'It' : `\`${path.join('.')}\``;
  const missing = keyword === 'required' ? REQUIRED.exec(error)?.[1] : undefined;
  if (missing !== undefined) {
    const whole = [...path, missing];
    return { path: whole, message: `\`${whole.join('.')}\` is missing` };
  }
  if (keyword === 'false') return { path, message: `There is no field ${name}` };
  const text = error.replace(/^Instance /, '').replace(/\.$/, '');
  return {
    path,
    message: `${name}: ${text.charAt(0).toLowerCase()}${text.slice(1)}`.slice(0, 300),
  };
};

/** Keywords that only say that something below was wrong. */
const PARENTS = [
  'properties',
  'items',
  'prefixItems',
  'additionalProperties',
  '$ref',
  'allOf',
  'if',
  'dependentSchemas',
];

/** A check of values against a schema. Returns what is wrong; empty: nothing. */
export type CheckValue = (value: unknown) => Finding[];

/** Prepares a schema, which `findSchemaProblems` found good, for checking. */
export const compileSchema = (schema: unknown): CheckValue => {
  // A copy: the library writes into it, and so do we.
  const own = structuredClone(schema) as Schema;
  const validator = new Validator(own, '2020-12', false);
  let steps = 0;
  countVisits(own, () => {
    steps += 1;
    if (steps > MAX_STEPS) throw new TooManySteps();
  });
  return (value) => {
    steps = 0;
    try {
      const { valid, errors } = validator.validate(value);
      if (valid) return [];
      const leaves = errors.filter(({ keyword }) => !PARENTS.includes(keyword));
      return (leaves.length > 0 ? leaves : errors).slice(0, MAX_FINDINGS).map(toFinding);
    } catch (error) {
      const message =
        error instanceof TooManySteps
          ? `It is too large, or its schema too involved, to be checked in ${MAX_STEPS} steps`
          : `It cannot be checked: ${(error as Error).message.slice(0, 200)}`;
      return [{ path: [], message }];
    }
  };
};
