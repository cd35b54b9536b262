import { isObject } from './json.ts';

// Values of other tasks in the parameters of a node: `{ "$from": "node.result.path" }`. What looks like
// one and is meant as it stands is written `{ "$literal": … }`.

/** A name of a node, as it stands in references and paths. */
const NODE_NAME = /^[A-Za-z][\w-]{0,63}$/;
/** What a node of a list has as its own value. */
const ITEM = 'item';

/** Whether a node may have this name. */
export const isNodeName = (name: string): boolean => NODE_NAME.test(name) && name !== ITEM;

/** A value that another node has, or the item of a list. */
export interface FlowReference {
  /** Null: the item. */
  node: string | null;
  /** The way from the result, or from the item. */
  path: string[];
}

/** A reference, and where it stands in the parameters; or what is wrong with it. */
export interface FoundReference {
  at: string;
  reference: FlowReference | null;
  problem: string | null;
}

const HOW = 'Write "node.result", "node.result.path" or, for each of a list, "item" or "item.path"';

/** `node.result.a.0` as a reference; null for what is none. */
export const parseReference = (text: unknown): FlowReference | null => {
  if (typeof text !== 'string') return null;
  const [first = '', ...rest] = text.split('.');
  if (rest.includes('')) return null;
  if (first === ITEM) return { node: null, path: rest };
  const [word, ...path] = rest;
  return NODE_NAME.test(first) && word === 'result' ? { node: first, path } : null;
};

/** A reference as it is written. */
export const describeReference = ({ node, path }: FlowReference): string =>
  [...(node === null ? [ITEM] : [node, 'result']), ...path].join('.');

const isMarked = (value: unknown, mark: '$from' | '$literal'): value is Record<string, unknown> =>
  isObject(value) && Object.hasOwn(value, mark);

/** All references in some parameters, in order. */
export const findReferences = (params: unknown, at = 'params'): FoundReference[] => {
  if (isMarked(params, '$literal'))
    return Object.keys(params).length === 1
      ? []
      : [{ at, reference: null, problem: '`$literal` stands alone in its object' }];
  if (isMarked(params, '$from')) {
    if (Object.keys(params).length > 1)
      return [{ at, reference: null, problem: '`$from` stands alone in its object' }];
    const reference = parseReference(params['$from']);
    return [{ at, reference, problem: reference ? null : HOW }];
  }
  if (Array.isArray(params))
    return params.flatMap((value, i) => findReferences(value, `${at}.${i}`));
  if (!isObject(params)) return [];
  return Object.entries(params).flatMap(([name, value]) => findReferences(value, `${at}.${name}`));
};

/** The value at a path; undefined where there is none. What every object has is no value. */
export const readPath = (value: unknown, path: readonly string[]): unknown => {
  let found = value;
  for (const name of path) {
    const isThere = typeof found === 'object' && found !== null && Object.hasOwn(found, name);
    const isLength = Array.isArray(found) && name === 'length';
    if (!isThere || isLength) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
};

/**
 * Parameters with the values in the place of their references.
 * @param resolve the value of a reference; undefined where there is none: then it is null
 */
export const fillIn = (
  params: unknown,
  resolve: (reference: FlowReference) => unknown,
): unknown => {
  if (isMarked(params, '$literal')) return params['$literal'];
  if (isMarked(params, '$from')) {
    const reference = parseReference(params['$from']);
    return reference ? (resolve(reference) ?? null) : params;
  }
  if (Array.isArray(params)) return params.map((value) => fillIn(value, resolve));
  if (!isObject(params)) return params;
  // Own properties whatever their names: `__proto__` is one like others.
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, fillIn(value, resolve)]),
  );
};
