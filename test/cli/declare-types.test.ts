import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { declareTypes, toType, type JsonSchema } from '../../src/cli/declare-types.ts';

const typeOf = (schema: z.ZodType) =>
  toType(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema).replaceAll(
    /\s+/g,
    ' ',
  );

describe('a schema as a type', () => {
  it.each([
    [z.string(), 'string'],
    [z.int(), 'number'],
    [z.enum(['a', 'b']), '("a" | "b")'],
    [z.literal(5), '5'],
    [z.string().nullable(), '(string | null)'],
    [z.array(z.array(z.number())), 'number[][]'],
    [z.tuple([z.string(), z.number()]), '[string, number]'],
    [z.record(z.string(), z.boolean()), 'Record<string, boolean>'],
    [z.strictObject({}), 'Record<string, never>'],
    [z.unknown(), 'unknown'],
    [
      z.strictObject({ a: z.string(), 'b-c': z.number().default(1) }),
      '{ a: string; "b-c"?: number; }',
    ],
  ])('%#', (schema, expected) => {
    expect(typeOf(schema)).toBe(expected);
  });

  it('ends for a schema that names itself', () => {
    const tree: JsonSchema = {
      $ref: '#/$defs/t',
      $defs: { t: { type: 'array', items: { $ref: '#/$defs/t' } } },
    };
    expect(toType(tree)).toBe('unknown[]');
  });
});

it('declares the types of a service, whatever their names and descriptions', () => {
  const text = declareTypes(
    [
      {
        type: 'send-mail',
        description: 'It ends */ here',
        params: { type: 'object', properties: { to: { type: 'string' } }, required: ['to'] },
      },
    ],
    'http://localhost:8787',
  );
  expect(text).toContain('"send-mail": { params: {\n      to: string;\n    } };');
  expect(text).not.toContain('ends */ here');
});
