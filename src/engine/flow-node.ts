import { toBodyText } from '../domain/body.ts';
import { toFieldErrors } from '../domain/field-errors.ts';
import { BLOCKED_BY, MAX_COPIED_BYTES } from '../domain/flow.ts';
import { findIdentifiers } from '../domain/identifiers.ts';
import { isObject } from '../domain/json.ts';
import { resolveLimit } from '../domain/limit.ts';
import type { Task, TaskError } from '../domain/task.ts';
import type { Catalog } from '../handlers/catalog.ts';
import type { Handler, HandlerSecrets } from '../handlers/handler.ts';
import type { Released } from '../store/releases.ts';
import { TIMEOUT_OF_TYPE } from './submit-times.ts';
import type { Filled } from './flow-values.ts';

export interface NodeDeps {
  catalog: Pick<Catalog, 'find'>;
  secrets: HandlerSecrets;
  /** Whether tasks are found by values in their parameters. */
  hasSearchIndex: boolean;
  now(): number;
}

/** What the release step decides of a task. */
export type Prepared = Omit<Released, 'owner' | 'id' | 'version'>;
/** Fields that one error names. */
const MAX_NAMED = 5;

/** What is wrong with parameters, or null. @param empty references that had no value */
export const explainRefusal = (
  handler: Handler,
  params: unknown,
  empty: readonly string[],
): string | null => {
  const parsed = handler.params.safeParse(params);
  if (parsed.success) return null;
  const errors = toFieldErrors(parsed.error, 'body', ['params']);
  const named = errors.slice(0, MAX_NAMED).map(({ path, message }) => `${path}: ${message}`);
  const without = empty.length > 0 ? [`${empty.slice(0, MAX_NAMED).join(', ')} had no value`] : [];
  return [...named, ...without].join('; ');
};

/** What a node is with its values, checked as a submit is; or why it cannot run. */
export const prepareNode = (
  task: Task,
  filled: Filled,
  { catalog, secrets, hasSearchIndex, now }: NodeDeps,
): Prepared | { error: TaskError } => {
  if ('error' in filled) return filled;
  const fail = (code: string, message: string) => ({ error: { code, message } });
  const handler = catalog.find(task.owner, task.type);
  if (!handler) return fail('unknown_type', `There is no type \`${task.type}\` any more`);
  const problem = explainRefusal(handler, filled.params, filled.empty);
  if (problem !== null) return fail('invalid_params', problem);
  const params = handler.params.parse(filled.params);
  const refused = handler.check(params, secrets);
  if (refused) return fail('not_allowed', `params.${refused.path}: ${refused.message}`);
  // Its sub-key may be one of the parameters.
  const { limit_key: key } = task;
  const limit =
    key === null || task.sub_key !== ''
      ? null
      : resolveLimit(handler.type, handler.limit, { key }, params);
  if (limit && 'message' in limit) return fail('invalid_params', limit.message);
  const isCopied = filled.bytes <= MAX_COPIED_BYTES;
  const written = isCopied ? toBodyText(params) : task.params;
  const identifiers =
    hasSearchIndex && isObject(filled.params) ? findIdentifiers(filled.params) : [];
  return {
    params: written === task.params ? null : written,
    blocked_by: isCopied ? null : BLOCKED_BY.atRun,
    scheduled_at: task.delay_ms === null ? task.scheduled_at : now() + task.delay_ms,
    limit_key: key,
    sub_key: limit?.subKey ?? task.sub_key,
    identifiers: identifiers.length > 0 ? JSON.stringify(identifiers) : null,
    timeout_ms: task.timeout_ms === TIMEOUT_OF_TYPE ? handler.timeoutMs(params) : task.timeout_ms,
  };
};
