import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_FLOW_NODES, orderNodes } from '../../src/domain/flow-graph.ts';

const order = (edges: Record<string, string[]>) => orderNodes(new Map(Object.entries(edges)));

describe('the order of nodes', () => {
  it('is one in which each comes after those that it waits for', () => {
    expect(order({ c: ['a', 'b'], b: ['a'], a: [] })).toEqual({
      order: ['a', 'b', 'c'],
      errors: [],
    });
    expect(order({})).toEqual({ order: [], errors: [] });
  });

  it('is there for any graph without a cycle, whatever its names', () => {
    const names = fc.uniqueArray(
      fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'a', 'b')),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(names, fc.infiniteStream(fc.nat()), (nodes, numbers) => {
        const edges = new Map(
          nodes.map((node, i) => [
            node,
            nodes.slice(0, i).filter(() => Number(numbers.next().value) % 3 === 0),
          ]),
        );
        const shuffled = new Map([...edges].toReversed());
        const found = orderNodes(shuffled);
        expect(found.errors).toEqual([]);
        const place = new Map(found.order.map((node, i) => [node, i]));
        for (const [node, after] of edges)
          for (const before of after) expect(place.get(before)).toBeLessThan(place.get(node) ?? -1);
        expect(found.order).toHaveLength(nodes.length);
      }),
    );
  });

  it('names a cycle, in the way the tasks run', () => {
    expect(order({ start: [], a: ['start', 'c'], b: ['a'], c: ['b'], end: ['c'] }).errors).toEqual([
      {
        in: 'body',
        path: expect.stringMatching(/^tasks\.[abc]\.after$/) as string,
        code: 'cycle',
        message: expect.stringMatching(/: (a → b → c → a|b → c → a → b|c → a → b → c)$/) as string,
      },
    ]);
    expect(order({ a: ['a'] }).errors[0]?.message).toMatch(/: a → a$/);
  });

  it('is refused with what is unknown, and what is named twice', () => {
    const { errors } = order({ a: ['nobody'], b: ['a', 'a'] });
    expect(errors.map(({ path, code }) => [path, code])).toEqual([
      ['tasks.a.after', 'unknown_node'],
      ['tasks.b.after', 'duplicate'],
    ]);
  });

  it('is bounded, and needs no stack for a long chain', () => {
    const chain = (length: number) =>
      new Map(Array.from({ length }, (_, i) => [`n${i}`, i === 0 ? [] : [`n${i - 1}`]]));
    expect(orderNodes(chain(MAX_FLOW_NODES)).order).toHaveLength(MAX_FLOW_NODES);
    expect(orderNodes(chain(MAX_FLOW_NODES + 1)).errors[0]?.code).toBe('too_big');
    const dense = Array.from(
      { length: 200 },
      (_, i) => [`n${i}`, Array.from({ length: i }, (__, j) => `n${j}`)] as const,
    );
    expect(orderNodes(new Map(dense)).errors[0]?.code).toBe('too_big');
  });
});
