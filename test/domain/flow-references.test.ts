import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fillIn,
  findReferences,
  parseReference,
  readPath,
  type FlowReference,
} from '../../src/domain/flow-references.ts';

describe('a reference', () => {
  it.each([
    ['a.result', { node: 'a', path: [] }],
    ['fetch-1.result.items.0.id', { node: 'fetch-1', path: ['items', '0', 'id'] }],
    ['item', { node: null, path: [] }],
    ['item.id', { node: null, path: ['id'] }],
  ])('%s', (text, reference) => {
    expect(parseReference(text)).toEqual(reference);
  });

  it.each(['', 'a', 'a.params', 'a.result.', '.result', '1a.result', 'a..result', 5, null, {}])(
    'is not %j',
    (text) => {
      expect(parseReference(text)).toBeNull();
    },
  );
});

describe('the references of parameters', () => {
  it('are found wherever they stand', () => {
    const found = findReferences({
      x: { $from: 'a.result' },
      list: [1, { $from: 'b.result.0' }],
      same: { $literal: { $from: 'not a reference' } },
    });
    expect(found.map(({ at, reference }) => [at, reference?.node])).toEqual([
      ['params.x', 'a'],
      ['params.list.1', 'b'],
    ]);
  });

  it.each([
    [{ $from: 'nonsense' }, /node\.result/],
    [{ $from: 'a.result', more: 1 }, /alone/],
    [{ $literal: 1, more: 1 }, /alone/],
    [{ $from: 5 }, /node\.result/],
  ])('are wrong in %j', (params, problem) => {
    expect(findReferences(params)[0]?.problem).toMatch(problem);
  });
});

describe('filling in', () => {
  const values: Record<string, unknown> = { a: { n: [1, { x: 'y' }] }, b: null };
  const resolve = ({ node, path }: FlowReference) => readPath(values[node ?? ''], path);

  it('puts values in the place of references', () => {
    const params = {
      whole: { $from: 'a.result' },
      deep: { $from: 'a.result.n.1.x' },
      none: { $from: 'b.result' },
      missing: { $from: 'a.result.z' },
      length: { $from: 'a.result.n.length' },
      inherited: { $from: 'a.result.constructor' },
      literal: { $literal: { $from: 'a.result' } },
      list: [{ $from: 'a.result.n.0' }, 2],
    };
    expect(fillIn(params, resolve)).toEqual({
      whole: values['a'],
      deep: 'y',
      none: null,
      missing: null,
      length: null,
      inherited: null,
      literal: { $from: 'a.result' },
      list: [1, 2],
    });
  });

  it('leaves all else as it is, also what looks into other values', () => {
    // A value that is put in is not looked into: a result cannot ask for another one.
    const asks = { $from: 'b.result' };
    expect(fillIn({ x: { $from: 'a.result' } }, () => asks)).toEqual({ x: asks });
    fc.assert(
      fc.property(
        fc.jsonValue().filter((value) => !/\$(from|literal)/.test(JSON.stringify(value))),
        (value) => {
          expect(fillIn(value, resolve)).toEqual(value);
          expect(findReferences(value)).toEqual([]);
        },
      ),
    );
    const hostile = JSON.parse('{"__proto__":{"x":1},"constructor":2}') as object;
    expect(JSON.stringify(fillIn(hostile, resolve))).toBe(JSON.stringify(hostile));
  });
});
