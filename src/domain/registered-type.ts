import * as z from 'zod';
import { findSchemaProblems } from './json-schema.ts';
import { typeLimit } from './limit.ts';
import { isObject } from './json.ts';
import { isBlank } from './text.ts';
import type { taskTypesTable } from '../schema/task-types.ts';

// A type that an owner registered: its tasks are run by code of the owner's, or ended by people.

/** The row as stored. Times are ms. */
export type RegisteredType = typeof taskTypesTable.$inferSelect;

/** Types that one owner may register: names become labels of its figures. */
export const MAX_REGISTERED_TYPES = 200;
/** The end of a pause without an end, ms: the last moment that ISO 8601 writes in four digits. */
export const FOR_EVER = 253_402_300_799_000;
/** A year. */
const MAX_SECONDS = 31_536_000;

/** Names as they stand in URLs, logs and code. */
export const registeredName = z
  .string()
  .regex(
    /^[A-Za-z][\w.-]{0,63}$/,
    'A name begins with a letter, and has letters, digits, _, - and . after it, 64 in all',
  );

const jsonSchema = z
  .custom<Record<string, unknown>>(isObject, 'A JSON Schema is an object')
  .superRefine((schema, context) => {
    for (const { path, message } of findSchemaProblems(schema))
      context.addIssue({ code: 'custom', path, message });
  })
  .meta({ type: 'object', additionalProperties: true, description: 'JSON Schema, 16 KB at most' });

const runForms = z.union([
  z.strictObject({ endpoint: z.strictObject({ url: z.string().min(1).max(2_048) }) }),
  z.strictObject({ worker: z.strictObject({}) }),
  z.strictObject({ manual: z.strictObject({}) }),
]);

/** Who runs tasks of a type: an HTTP endpoint, a worker that asks for them, or a person. */
export const run = z
  .unknown()
  .transform((value, context): z.output<typeof runForms> => {
    const [kind, ...more] = isObject(value) ? Object.keys(value) : [];
    if (more.length > 0 || !['endpoint', 'worker', 'manual'].includes(kind ?? '')) {
      context.addIssue({
        code: 'custom',
        message:
          'Give one of { "endpoint": { "url": "https://…" } }, { "worker": {} }, { "manual": {} }',
      });
      return z.NEVER;
    }
    const form = runForms.options.find((each) => (kind ?? '') in each.shape) ?? runForms;
    const parsed = form.safeParse(value);
    if (parsed.success) return parsed.data;
    context.issues.push(
      ...parsed.error.issues.map((issue) => ({ ...issue, input: value }) as z.core.$ZodRawIssue),
    );
    return z.NEVER;
  })
  .meta({ type: 'object' });

/** `PUT /task-types/{name}`. */
export const typeDefinition = z
  .strictObject({
    description: z
      .string()
      .max(500)
      .refine((text) => !isBlank(text), 'Say what it does'),
    run,
    params: jsonSchema.optional(),
    result: jsonSchema.optional(),
    example: z
      .custom<Record<string, unknown>>(isObject, 'The example must be an object')
      .optional()
      .meta({ type: 'object', additionalProperties: true }),
    max_attempts: z.int().min(1).max(25).optional(),
    base_seconds: z.number().min(0).max(3_600).optional(),
    max_seconds: z.number().min(0).max(86_400).optional(),
    timeout_seconds: z.number().min(1).max(MAX_SECONDS).optional(),
    reuse_seconds: z.int().min(0).max(2_592_000).optional(),
    limit: typeLimit.optional(),
    cache_ttl_seconds: z.int().min(0).max(86_400).optional(),
  })
  .meta({ id: 'TypeDefinition' });
export type TypeDefinition = z.output<typeof typeDefinition>;

const RUN_KINDS = ['endpoint', 'worker', 'manual'] as const;
export type RunKind = (typeof RUN_KINDS)[number];

/** Who runs tasks of this definition. */
export const toRunKind = ({ run: how }: Pick<TypeDefinition, 'run'>): RunKind =>
  RUN_KINDS.find((kind) => kind in how) ?? 'worker';

export const parseDefinition = ({
  definition,
}: Pick<RegisteredType, 'definition'>): TypeDefinition => JSON.parse(definition) as TypeDefinition;
