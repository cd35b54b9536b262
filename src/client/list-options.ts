import type { Priority, Status } from './types.ts';

/** Several values of one filter widen the list, several filters narrow it. */
export interface ListOptions {
  status?: Status | readonly Status[];
  type?: string | readonly string[];
  priority?: Priority | readonly Priority[];
  queue?: string | readonly string[];
  tag?: string | readonly string[];
  submittedAfter?: Date;
  submittedBefore?: Date;
  /** An id or its beginning, an order number or the like, or words. */
  q?: string;
  /** Values inside: `{ 'params.city': 'Lisbon' }`. */
  fields?: Record<`params.${string}` | `result.${string}`, string>;
  /** Tasks that ran this one again. */
  rerunOf?: string;
  /** Tasks that this one submitted while it ran. */
  parentId?: string;
  /** Tasks that this schedule submitted. */
  scheduleId?: string;
  /** The flow whose tasks they are. */
  flowId?: string;
  /** By the time of submission; newest first unless told. */
  order?: 'newest' | 'oldest';
  /** Tasks per request; 1 to 100. */
  pageSize?: number;
  signal?: AbortSignal;
}

/** The options as the query of `GET /tasks`. */
export const toQuery = (options: ListOptions): URLSearchParams => {
  const query = new URLSearchParams();
  const {
    status,
    type,
    priority,
    queue,
    tag,
    submittedAfter,
    submittedBefore,
    q,
    rerunOf,
    parentId,
    scheduleId,
    flowId,
    order,
    fields = {},
    pageSize = 100,
  } = options;
  for (const [name, values] of Object.entries({ status, type, priority, queue, tag }))
    // An empty list is sent as it is, and refused: it must not turn into no filter at all.
    for (const value of values === undefined ? [] : values.length === 0 ? [''] : [values].flat())
      query.append(name, value);
  if (submittedAfter) query.set('submitted_after', submittedAfter.toISOString());
  if (submittedBefore) query.set('submitted_before', submittedBefore.toISOString());
  const links = {
    rerun_of: rerunOf,
    parent_id: parentId,
    schedule_id: scheduleId,
    flow_id: flowId,
  };
  for (const [name, value] of Object.entries({ q, ...links, order }))
    if (value !== undefined) query.set(name, value);
  for (const [name, value] of Object.entries(fields)) query.set(name, value);
  query.set('page_size', String(pageSize));
  return query;
};
