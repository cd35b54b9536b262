import type { Order, TaskFilter } from '../domain/filter.ts';
import { matchError, matchField, matchWord } from './match-sql.ts';
import { toUuidFloor } from './uuid.ts';

// A filter as SQL: which index finds the rows, and what is left to be checked on each of them.

/** The values of a statement; each is bound once, however often it is used (D1 takes 100). */
export const createBinder = () => {
  const values: unknown[] = [];
  return {
    values,
    /** The placeholder of a value. */
    bind(value: unknown): string {
      const at = values.indexOf(value);
      return `?${at >= 0 ? at + 1 : values.push(value)}`;
    },
  };
};
type Bind = (value: unknown) => string;

/** An id was made a moment before or after its row. */
const ID_SLACK_MS = 5_000;

const matchAny = (
  expression: string,
  values: readonly string[] | undefined,
  bind: Bind,
): string[] =>
  values && values.length > 0
    ? [`${expression} IN (SELECT value FROM json_each(${bind(JSON.stringify(values))}))`]
    : [];

/** The same for a few values: a list of JSON would be read again for every row. */
const matchFew = (
  expression: string,
  values: readonly string[] | undefined,
  bind: Bind,
): string[] =>
  values && values.length > 0 ? [`${expression} IN (${values.map(bind).join(', ')})`] : [];

/** Conditions that no index serves; empty where the driver finds exactly the wanted rows. */
export const buildResidual = (
  filter: TaskFilter,
  { byStatus, byType }: Driver,
  bind: Bind,
): string[] => {
  const conditions = [
    ...(byStatus ? [] : matchFew('status', filter.statuses, bind)),
    ...(byType ? [] : matchAny('type', filter.types, bind)),
    ...matchFew('priority', filter.priorities, bind),
    ...matchFew('queue', filter.queues, bind),
  ];
  for (const isWanted of matchAny('t.value', filter.tags, bind))
    conditions.push(`EXISTS (SELECT 1 FROM json_each(tags) AS t WHERE ${isWanted})`);
  if (filter.error !== undefined) conditions.push(matchError(filter.error, bind));
  for (const word of filter.words ?? []) conditions.push(matchWord(word, bind));
  for (const field of filter.fields ?? []) conditions.push(matchField(field, bind));
  if (filter.retrying !== undefined)
    conditions.push(`(status = 'PENDING' AND attempt > 0) = ${Number(filter.retrying)}`);
  if (filter.ahead !== undefined) {
    const isLater = `status = 'PENDING' AND coalesce(scheduled_at, 0) > ${bind(filter.ahead.now)}`;
    conditions.push(`(status = 'NEW' OR (${isLater})) = ${Number(filter.ahead.is)}`);
  }
  return conditions;
};

/**
 * How the rows are found, newest first: by an index, once for each of its values, or along the
 * primary key.
 */
interface Driver {
  byStatus: boolean;
  byType: boolean;
}

/** D1 takes as many SELECTs in a compound one: https://github.com/cloudflare/workerd/issues/795 */
const MAX_ARMS = 5;

/**
 * By status unless COMPLETED is among those wanted, which most rows are and no index holds; else by
 * type; else along the primary key. The indexes are named, because the planner, which has no
 * statistics, would choose the primary key.
 */
export const chooseDriver = ({
  statuses = [],
  types = [],
  ids,
  rerunOf,
  parentId,
  scheduleId,
  flowId,
  identifier,
  idRange,
}: TaskFilter): Driver => {
  // These find few rows by themselves.
  if (ids ?? rerunOf ?? parentId ?? scheduleId ?? flowId ?? identifier ?? idRange)
    return { byStatus: false, byType: false };
  const isServed = (values: readonly string[]): boolean =>
    values.length > 0 && new Set(values).size <= MAX_ARMS;
  const byStatus = isServed(statuses) && !statuses.includes('COMPLETED');
  return { byStatus, byType: !byStatus && isServed(types) };
};

/** What a task is linked to: the filter, its index, which is in the order of ids, and its column. */
const LINKS = [
  ['rerunOf', 'tasks_reruns', 'rerun_of'],
  ['parentId', 'tasks_children', 'parent_id'],
  ['scheduleId', 'tasks_children', 'parent_id'],
  // Not in that order: a flow has few thousands.
  ['flowId', 'tasks_by_flow', 'flow_id'],
] as const;

/** Where a page begins, and which way it goes on. */
interface Place {
  cursor: string | undefined;
  order: Order;
}

/** Conditions on the primary key, which every row of the driver meets. */
const buildRange = (
  owner: string,
  filter: TaskFilter,
  { cursor, order }: Place,
  bind: Bind,
): string[] => {
  const { ids, identifier, idRange, submittedAfter: after, submittedBefore: until } = filter;
  const range = [`owner = ${bind(owner)}`];
  if (identifier !== undefined)
    range.push(
      `id IN (SELECT task_id FROM search_index WHERE owner = ${bind(owner)} AND value = ${bind(identifier)})`,
    );
  if (idRange) range.push(`id BETWEEN ${bind(idRange.from)} AND ${bind(idRange.to)}`);
  if (idRange && idRange.suffix !== '')
    range.push(`substr(id, ${-idRange.suffix.length}) = ${bind(idRange.suffix)}`);
  for (const [name, , column] of LINKS)
    if (filter[name] !== undefined) range.push(`${column} = ${bind(filter[name])}`);
  // Both have the same column: the key tells which of them it is.
  const isScheduled = `coalesce(idempotency_key, '') GLOB 'schedule:*'`;
  if (filter.scheduleId !== undefined) range.push(isScheduled);
  if (filter.parentId !== undefined) range.push(`NOT ${isScheduled}`);
  if (cursor !== undefined) range.push(`id ${order === 'newest' ? '<' : '>'} ${bind(cursor)}`);
  if (ids) range.push(`id IN (SELECT value FROM json_each(${bind(JSON.stringify(ids))}))`);
  if (after !== undefined) {
    const floor = bind(toUuidFloor(after - ID_SLACK_MS));
    range.push(`id >= ${floor} AND submitted_at >= ${bind(after)}`);
  }
  if (until !== undefined) {
    const ceiling = bind(toUuidFloor(until + ID_SLACK_MS));
    range.push(`id < ${ceiling} AND submitted_at < ${bind(until)}`);
  }
  return range;
};

/** The rows of the driver, merged in their order. Only as many are read as are taken from it. */
export const buildSource = (
  columns: string,
  owner: string,
  filter: TaskFilter,
  place: Place,
  { byStatus, byType }: Driver,
  bind: Bind,
): string => {
  const range = buildRange(owner, filter, place, bind);
  const buildArm = (index: string, ...conditions: string[]): string =>
    `SELECT ${columns} FROM tasks ${index} WHERE ${[...range, ...conditions].join(' AND ')}`;
  const buildArms = (): string[] => {
    if (byStatus)
      // The second condition must be spelled out, or the partial index does not qualify.
      return [...new Set(filter.statuses)].map((status) =>
        buildArm('INDEXED BY tasks_by_status', `status = ${bind(status)}`, `status <> 'COMPLETED'`),
      );
    if (byType)
      return [...new Set(filter.types)].map((type) =>
        buildArm('INDEXED BY tasks_by_type', `type = ${bind(type)}`),
      );
    const link = LINKS.find(([name]) => filter[name] !== undefined);
    return [buildArm(link ? `INDEXED BY ${link[1]}` : '')];
  };
  return `${buildArms().join(' UNION ALL ')} ORDER BY id ${place.order === 'newest' ? 'DESC' : 'ASC'}`;
};
