import { useEffect, useRef, useState } from 'preact/hooks';
import type { Order } from '../../domain/filter.ts';
import { COMMANDS, type CommandName } from '../../domain/lifecycle.ts';
import type { TaskView } from '../../domain/view.ts';
import { get } from '../api.ts';
import { saveExport } from '../export.ts';
import { formatNumber } from '../format.ts';
import type { TaskUpdate } from '../live.ts';
import { go, replaceQuery, route } from '../router.ts';
import { ColumnChooser, listColumns } from '../columns.tsx';
import { Empty, ErrorNote, PageHead, Skeleton } from '../components/ui.tsx';
import { isActionRunning, startAction, type ActionFilter } from '../components/bulk.tsx';
import { filterQuery, Filters } from '../components/filters.tsx';
import { TaskPreview } from '../components/task-preview.tsx';
import { TaskRow } from '../components/task-row.tsx';
import { Views } from '../components/views.tsx';
import { useAction, useListKeys, useQuery, useScrollMemory, useTaskUpdates } from '../hooks.ts';
import { applyUpdates, matches, type ListRow } from './task-rows.ts';

/** Rows of a page. */
const PAGE_SIZE = 50;
/**
 * The list's frames are 250 ms apart: one that was on its way may bring back rows that are deleted.
 */
const LATE_FRAME_MS = 500;
/** Most updates that are kept while the service's answer is on its way. */
const MAX_MEANWHILE = 1_000;

interface Listing {
  pagination: {
    total_tasks?: number;
    total_capped?: boolean;
    truncated?: boolean;
    next_cursor: string | null;
  };
  tasks: TaskView[];
}

/** What is shown of it: as many rows as the reader asked for, and where the next ones begin. */
interface List {
  rows: ListRow[];
  next: string | null;
  most: number;
}

const read = async (
  filter: URLSearchParams,
  order: Order,
  cursor: string | null,
): Promise<Listing> => {
  const query = new URLSearchParams(filter);
  query.set('order', order);
  query.set('page_size', String(PAGE_SIZE));
  if (cursor !== null) query.set('cursor', cursor);
  return get<Listing>(`/tasks?${query.toString()}`);
};

const toRows = (tasks: readonly TaskView[]): ListRow[] =>
  tasks.map((task) => ({ task, isChanged: false, isNew: false }));

/** The live table. */
export const TasksPage = () => {
  const filter = filterQuery(route.value.query);
  const order: Order = route.value.query.get('order') === 'oldest' ? 'oldest' : 'newest';
  const address = `${filter.toString()} ${order}`;
  // What came since the last question was put: the answer may be older than that.
  const meanwhile = useRef<TaskUpdate[]>([]);
  const { data, error, readAt, reload } = useQuery(`tasks ${address}`, () => {
    meanwhile.current = [];
    return read(filter, order, null);
  });
  const [list, setList] = useState<List>({ rows: [], next: null, most: PAGE_SIZE });
  const { rows, next, most } = list;
  const [held, setHeld] = useState<TaskUpdate[]>([]);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [isAll, setAll] = useState(false);
  const [deletions, setDeletions] = useState(0);
  const [previewed, setPreviewed] = useState<string | null>(null);
  const [isBusy, act] = useAction();
  const isPointerIn = useRef(false);
  useScrollMemory(data !== null);

  useEffect(() => {
    setChosen(new Set());
    setAll(false);
    setPreviewed(null);
  }, [address]);
  useEffect(() => {
    if (deletions === 0) return undefined;
    const timer = setTimeout(reload, LATE_FRAME_MS);
    return () => clearTimeout(timer);
  }, [deletions, address]);

  const ids = rows.map(({ task }) => task.task_id);
  const [focused] = useListKeys(ids, {
    open: (id) => go(`/tasks/${id}`),
    select: (id) => choose(id, !chosen.has(id)),
    preview: (id) => setPreviewed(id),
  });

  const update = (news: readonly TaskUpdate[]): void =>
    setList((before) => ({
      ...before,
      rows: applyUpdates(before.rows, news, filter, before.most, order),
    }));
  /** Shows news among the rows, or holds them until the reader wants them. */
  const take = (news: readonly TaskUpdate[], onto: List, isStill: boolean): void => {
    const shown = new Set(onto.rows.map(({ task }) => task.task_id));
    // Only the service can look inside parameters: then it is asked again, when the reader wants
    // it.
    const isHeld = (task: TaskUpdate): boolean =>
      !shown.has(task.task_id) && (isStill || matches(task, filter) === null);
    const waiting = news.filter(
      (task) =>
        isHeld(task) &&
        matches(task, filter) !== false &&
        (order === 'newest'
          ? task.task_id > (onto.rows[0]?.task.task_id ?? '')
          : // Below the last row: there only if the list ends on this page.
            onto.next === null),
    );
    if (waiting.length > 0)
      setHeld((before) => [
        ...before.filter(({ task_id }) => !waiting.some((task) => task.task_id === task_id)),
        ...waiting,
      ]);
    update(news.filter((task) => !isHeld(task)));
  };
  useTaskUpdates((news) => {
    meanwhile.current = [...meanwhile.current, ...news].slice(-MAX_MEANWHILE);
    take(news, list, isPointerIn.current || chosen.size > 0 || focused !== null);
  });
  useEffect(() => {
    setHeld([]);
    if (!data) return;
    const { tasks, pagination } = data;
    const answer = { rows: toRows(tasks), next: pagination.next_cursor, most: PAGE_SIZE };
    setList(answer);
    take(meanwhile.current, answer, false);
  }, [data]);

  const showHeld = (): void => {
    if (held.some((task) => matches(task, filter) === null)) reload();
    else update(held);
    setHeld([]);
  };
  const showMore = (): void =>
    act(async () => {
      const page = await read(filter, order, next);
      const older = page.tasks.filter(({ task_id }) => !ids.includes(task_id));
      setList((before) => ({
        rows: [...before.rows, ...toRows(older)],
        next: page.pagination.next_cursor,
        most: before.most + PAGE_SIZE,
      }));
      const isOlder = new Set(older.map(({ task_id }) => task_id));
      update(meanwhile.current.filter(({ task_id }) => isOlder.has(task_id)));
      return undefined;
    });
  const choose = (id: string, isChosen: boolean): void => {
    setAll(false);
    setChosen((before) =>
      isChosen ? new Set(before).add(id) : new Set([...before].filter((each) => each !== id)),
    );
  };
  const isPageChosen = rows.length > 0 && rows.every(({ task }) => chosen.has(task.task_id));
  const { total_tasks: total, total_capped: isCapped, truncated } = data?.pagination ?? {};
  const totalText =
    total === undefined ? 'all' : `all ${formatNumber(total)}${isCapped ? '+' : ''}`;

  const start = (action: CommandName): void =>
    act(async () => {
      const several = [...new Set(filter.keys())].map((name): [string, string | string[]] => [
        name,
        filter.getAll(name).length > 1 ? filter.getAll(name) : (filter.get(name) ?? ''),
      ]);
      // All are those that there were when the reader said so.
      const all = { submitted_before: new Date().toISOString(), ...Object.fromEntries(several) };
      const target: ActionFilter = isAll ? all : { id: [...chosen] };
      const about = isAll
        ? `${totalText} matching tasks`
        : `${chosen.size} task${chosen.size > 1 ? 's' : ''}`;
      await startAction(action, target, about, () => finish(action));
      return undefined;
    });
  const finish = (action: CommandName): void => {
    if (action === 'delete') setDeletions((before) => before + 1);
    setChosen(new Set());
    setAll(false);
    reload();
  };
  const share = async (): Promise<string> => {
    await navigator.clipboard.writeText(location.href);
    return 'The link to this view is copied';
  };
  const chooseOrder = (wanted: string): void => {
    const query = new URLSearchParams(route.value.query);
    if (wanted === 'newest') query.delete('order');
    else query.set('order', wanted);
    replaceQuery(query);
  };
  const chooseAll = (isChosen: boolean): void => {
    setAll(false);
    setChosen(new Set(isChosen ? ids : []));
  };

  return (
    <>
      <PageHead title="Tasks">
        <span class="muted" data-testid="total">
          {total === undefined ? '' : `${formatNumber(total)}${isCapped ? '+' : ''} total`}
        </span>
        <select
          aria-label="Order"
          class="small"
          value={order}
          onChange={(event) => chooseOrder(event.currentTarget.value)}
        >
          <option value="newest">Newest first</option>
          <option value="oldest">Oldest first</option>
        </select>
        <ColumnChooser />
        <details class="dropdown">
          <summary class="button small">Export</summary>
          <div class="menu">
            <button
              class="small"
              disabled={isBusy}
              onClick={() => act(() => saveExport(filter, 'csv'))}
            >
              CSV
            </button>
            <button
              class="small"
              disabled={isBusy}
              onClick={() => act(() => saveExport(filter, 'ndjson'))}
            >
              Lines of JSON
            </button>
          </div>
        </details>
        <button class="small" onClick={() => act(share)}>
          Copy link
        </button>
        <button class="small" onClick={reload}>
          Reload
        </button>
        <a class="button primary" href="#/new">
          New task
        </a>
      </PageHead>
      <Views filter={filter} />
      <Filters />
      {error && <ErrorNote error={error} readAt={readAt} retry={reload} />}
      {held.length > 0 && (
        <button class="held" onClick={showHeld}>
          {formatNumber(held.length)} new task{held.length > 1 ? 's' : ''}: show
        </button>
      )}
      <div class={previewed === null ? '' : 'with-preview'}>
        <div
          class="scroll card flush"
          tabIndex={0}
          role="region"
          aria-label="Tasks"
          onPointerEnter={() => (isPointerIn.current = true)}
          onPointerLeave={() => (
            (isPointerIn.current = false),
            chosen.size === 0 && held.length > 0 && showHeld()
          )}
        >
          <table class="tasks">
            <thead>
              <tr>
                <th scope="col">
                  <input
                    type="checkbox"
                    aria-label="Select all on this page"
                    checked={isPageChosen}
                    onChange={(event) => chooseAll(event.currentTarget.checked)}
                  />
                </th>
                <th scope="col">Status</th>
                <th scope="col">Task</th>
                {listColumns().map(({ key, name, isNumber }) => (
                  <th
                    key={key}
                    scope="col"
                    class={`${isNumber ? 'num' : ''} ${key === 'submitted' ? '' : 'wide'}`}
                    {...(key === 'submitted' && {
                      'aria-sort': order === 'newest' ? 'descending' : 'ascending',
                    })}
                  >
                    {name}
                  </th>
                ))}
                <th scope="col" class="wide">
                  <span class="hidden">Preview</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <TaskRow
                  key={row.task.task_id}
                  row={row}
                  isChosen={chosen.has(row.task.task_id)}
                  isLeft={matches(row.task, filter) === false}
                  isFocused={focused === row.task.task_id}
                  choose={(isChosen) => choose(row.task.task_id, isChosen)}
                  preview={() => setPreviewed(row.task.task_id)}
                />
              ))}
            </tbody>
          </table>
          {!data && !error && <Skeleton rows={8} />}
          {data && rows.length === 0 && (
            <Empty>
              {[...filter].length > 0 ? (
                truncated && next !== null ? (
                  'Nothing among the newest tasks: look further back below.'
                ) : (
                  'No task matches these filters.'
                )
              ) : (
                <>
                  No task yet. <a href="#/new">Submit one</a>
                </>
              )}
            </Empty>
          )}
        </div>
        {previewed !== null && (
          <TaskPreview
            id={previewed}
            version={rows.find(({ task }) => task.task_id === previewed)?.task.version ?? 0}
            close={() => setPreviewed(null)}
          />
        )}
      </div>
      {truncated && next === null && (
        <p class="muted">
          Parameters and results of more than 16 KB are not searched: there may be more.
        </p>
      )}
      {next !== null && (
        <div class="row center">
          <button disabled={isBusy} onClick={showMore}>
            {truncated && rows.length < most ? 'Look further back' : 'Show more'}
          </button>
        </div>
      )}
      {chosen.size > 0 && (
        <div class="selection" role="toolbar" aria-label="Selected tasks">
          <span>{isAll ? `${totalText} matching` : `${chosen.size} selected`}</span>
          {isPageChosen && !isAll && (
            <button class="link" onClick={() => setAll(true)}>
              Select {totalText} matching
            </button>
          )}
          <span class="grow" />
          {COMMANDS.map((action) => (
            <button
              key={action}
              class={`small ${action === 'delete' ? 'danger' : ''}`}
              disabled={isBusy || isActionRunning()}
              onClick={() => start(action)}
            >
              {action}
            </button>
          ))}
          <button class="plain" aria-label="Select none" onClick={() => chooseAll(false)}>
            ×
          </button>
        </div>
      )}
    </>
  );
};
