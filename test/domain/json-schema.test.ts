import { describe, expect, it } from 'vitest';
import { compileSchema, findSchemaProblems } from '../../src/domain/json-schema.ts';

const person = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1 },
    age: { type: 'integer', minimum: 0 },
    friends: { type: 'array', items: { $ref: '#' } },
  },
  required: ['name'],
  additionalProperties: false,
};

describe('a schema', () => {
  it('takes what fits, and says in words what does not', () => {
    const check = compileSchema(person);
    expect(check({ name: 'Ada', friends: [{ name: 'Bob', age: 3 }] })).toEqual([]);
    expect(
      check({ age: -1, friends: [{}], extra: 1 }).map(({ path, message }) => [
        path.join('.'),
        message,
      ]),
    ).toEqual([
      ['name', '`name` is missing'],
      ['age', '`age`: -1 is less than 0'],
      ['friends.0.name', '`friends.0.name` is missing'],
      ['extra', 'There is no field `extra`'],
    ]);
    expect(check('text')[0]?.message).toContain('type "string" is invalid');
  });

  it.each([
    [{ pattern: '^(a+)+$' }, 'pattern'],
    [{ properties: { a: { patternProperties: { '^x': true } } } }, 'patternProperties'],
    [{ propertyNames: { maxLength: 3 } }, 'propertyNames'],
    [{ $ref: 'https://example.com/x.json' }, '$ref'],
    [{ $dynamicRef: '#node' }, '$dynamicRef'],
    [{ $id: 'https://example.com/' }, '$id'],
    [{ requierd: ['a'] }, 'did you mean `required`?'],
    [{ format: 'regex' }, 'format'],
    [{ uniqueItems: true }, 'uniqueItems'],
    [{ properties: 3 }, 'by name'],
    [{ items: 'x' }, 'A schema is an object'],
    [[], 'must be an object'],
    [{ description: 'x'.repeat(20_000) }, '16384 bytes'],
  ])('%j is refused by name', (schema, word) => {
    expect(findSchemaProblems(schema)[0]?.message).toContain(word);
  });

  it('that never ends, or multiplies, costs a bounded time', () => {
    for (const schema of [
      { $ref: '#' },
      { anyOf: [{ $ref: '#' }, { $ref: '#' }] },
      {
        $defs: { a: { allOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/a' }] } },
        $ref: '#/$defs/a',
      },
    ])
      expect(compileSchema(schema)({ a: 1 })[0]?.message).toMatch(/steps|cannot be checked/);
    const list = compileSchema({ type: 'array', items: { type: 'integer' } });
    expect(list(Array.from({ length: 5_000 }, (_, i) => i))).toEqual([]);
    expect(list(Array.from({ length: 500_000 }, (_, i) => i))[0]?.message).toContain('steps');
  });

  it('does not take a broken reference', () => {
    const check = compileSchema({ $ref: '#/$defs/nowhere' });
    expect(check(1)[0]?.message).toContain('cannot be checked');
  });

  it('leaves what it was given as it was', () => {
    const given = structuredClone(person);
    compileSchema(given)({ name: 'x' });
    expect(given).toEqual(person);
  });
});
