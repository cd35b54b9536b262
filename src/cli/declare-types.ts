// TypeScript for a service's task types, from their JSON Schemas.

/** As much of JSON Schema as parameters use. */
export interface JsonSchema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  items?: JsonSchema;
  prefixItems?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  description?: string;
  $defs?: Record<string, JsonSchema>;
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
const quoteName = (name: string): string => (IDENTIFIER.test(name) ? name : JSON.stringify(name));

/** A comment can end early, and a line of it too. */
const toComment = (text: string | undefined, indent: string): string =>
  text === undefined
    ? ''
    : `${indent}/** ${text.replaceAll('*/', '* /').replaceAll(/\s+/g, ' ')} */\n`;

const joinTypes = (types: readonly string[], by: ' | ' | ' & '): string => {
  const unique = [...new Set(types)];
  return unique.length === 1 ? (unique[0] ?? 'unknown') : `(${unique.join(by)})`;
};

const PLAIN: Record<string, string> = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
};

/** A schema as a type. What it says beyond types (bounds, patterns) TypeScript cannot. */
export const toType = (schema: JsonSchema, root: JsonSchema = schema, indent = ''): string => {
  const inner = (each: JsonSchema): string => toType(each, root, indent);
  if (schema.$ref !== undefined) {
    const name = /^#\/\$defs\/(.+)$/.exec(schema.$ref)?.[1];
    const found = name === undefined ? undefined : root.$defs?.[name];
    // One that names itself would never end.
    return found ? toType({ ...found, $defs: {} }, { ...root, $defs: {} }, indent) : 'unknown';
  }
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum)
    return joinTypes(
      schema.enum.map((value) => JSON.stringify(value)),
      ' | ',
    );
  const choice = schema.anyOf ?? schema.oneOf;
  if (choice) return joinTypes(choice.map(inner), ' | ');
  if (schema.allOf) return joinTypes(schema.allOf.map(inner), ' & ');
  if (Array.isArray(schema.type))
    return joinTypes(
      schema.type.map((type) => inner({ ...schema, type })),
      ' | ',
    );
  if (schema.prefixItems) return `[${schema.prefixItems.map(inner).join(', ')}]`;
  if (schema.type === 'array') return `${inner(schema.items ?? {})}[]`;
  if (schema.type === 'object' || schema.properties) return toObjectType(schema, root, indent);
  return PLAIN[schema.type ?? ''] ?? 'unknown';
};

const toObjectType = (schema: JsonSchema, root: JsonSchema, indent: string): string => {
  const { properties = {}, required = [], additionalProperties } = schema;
  const deeper = `${indent}  `;
  const lines = Object.entries(properties).map(
    ([name, each]) =>
      `${toComment(each.description, deeper)}${deeper}${quoteName(name)}${required.includes(name) ? '' : '?'}: ${toType(each, root, deeper)};\n`,
  );
  if (lines.length > 0) return `{\n${lines.join('')}${indent}}`;
  if (typeof additionalProperties === 'object')
    return `Record<string, ${toType(additionalProperties, root, indent)}>`;
  return additionalProperties === false ? 'Record<string, never>' : 'Record<string, unknown>';
};

/** What a service tells of a type. */
export interface DeclaredType {
  type: string;
  description: string;
  params: JsonSchema;
}

/** A declaration file that gives `submit` the types of a service. */
export const declareTypes = (types: readonly DeclaredType[], from: string): string => {
  const members = types.map(({ type, description, params }) => {
    const isOptional = (params.required ?? []).length === 0 ? '?' : '';
    return `${toComment(description, '    ')}    ${quoteName(type)}: { params${isOptional}: ${toType(params, params, '    ')} };\n`;
  });
  return [
    `// The task types of ${from}, by \`tasker types\`.\n`,
    "import 'tasker-client';\n\n",
    "declare module 'tasker-client' {\n  interface TaskTypes {\n",
    ...members,
    '  }\n}\n',
  ].join('');
};
