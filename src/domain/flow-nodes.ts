import type { FieldError } from './errors.ts';
import { findReferences, parseReference, type FoundReference } from './flow-references.ts';
import type { FlowNodeRequest } from './flow-request.ts';

/** A node with what it names of others. */
export interface RequestedNode {
  name: string;
  request: FlowNodeRequest;
  references: FoundReference[];
  /** All that it waits for. */
  after: string[];
  /** Where it names each, in the request. */
  places: ReadonlyMap<string, string>;
}

const refuse = (path: string, code: string, message: string): FieldError => ({
  in: 'body',
  path,
  code,
  message,
});

/** A node, and what is wrong with what it names. */
export const readNode = (
  name: string,
  request: FlowNodeRequest,
): { node: RequestedNode; errors: FieldError[] } => {
  const path = `tasks.${name}`;
  const references = findReferences(request.params);
  const errors = references.flatMap(({ at, problem }) =>
    problem === null ? [] : [refuse(`${path}.${at}`, 'invalid_reference', problem)],
  );
  const list = request.for_each && parseReference(request.for_each.$from);
  if (request.for_each && !list?.node)
    errors.push(
      refuse(
        `${path}.for_each.$from`,
        'invalid_reference',
        'Write "node.result" or "node.result.path"',
      ),
    );
  const items = references.find(({ reference }) => reference?.node === null);
  if (items && !request.for_each)
    errors.push(refuse(`${path}.${items.at}`, 'no_item', 'There is an item only with `for_each`'));
  if (request.unique)
    errors.push(
      refuse(
        `${path}.unique`,
        'not_allowed',
        'A task of a flow is not unique by itself: use an Idempotency-Key for the flow',
      ),
    );
  const places = new Map((request.after ?? []).map((before) => [before, `${path}.after`]));
  const addPlace = (before: string, at: string): void => {
    if (!places.has(before)) places.set(before, `${path}.${at}`);
  };
  for (const { reference, at } of references) if (reference?.node) addPlace(reference.node, at);
  if (list?.node) addPlace(list.node, 'for_each.$from');
  if (new Set(request.after).size < (request.after ?? []).length)
    errors.push(refuse(`${path}.after`, 'duplicate', 'It names a task twice'));
  return { node: { name, request, references, after: [...places.keys()], places }, errors };
};

/** Errors of parameters that have nothing to do with values which are not there yet. */
export const findSureErrors = (
  errors: FieldError[],
  references: readonly FoundReference[],
): FieldError[] =>
  errors.filter(({ path, code }) => {
    const touches = references.some(
      ({ at }) => path === at || path.startsWith(`${at}.`) || at.startsWith(`${path}.`),
    );
    return code === 'unknown_field' || (code !== 'custom' && path !== 'params' && !touches);
  });
