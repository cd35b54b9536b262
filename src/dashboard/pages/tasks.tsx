import { COMMANDS, type CommandName } from '../../domain/lifecycle.ts';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { TaskView } from '../../domain/view.ts';
import { get } from '../api.ts';
import { formatNumber } from '../format.ts';
import type { TaskUpdate } from '../live.ts';
import { go, toHref, route } from '../router.ts';
import { Age, Empty, ErrorNote, PageHead, StatusBadge } from '../components/ui.tsx';
import { isActionRunning, startAction, type ActionFilter } from '../components/bulk.tsx';
import { filterQuery, Filters } from '../components/filters.tsx';
import { useAction, useQuery, useTaskUpdates } from '../hooks.ts';
import { applyUpdates, matches, PAGE_SIZE, type ListRow } from './task-rows.ts';

/**
 * The list's frames are 250 ms apart: one that was on its way may bring back rows that are deleted.
 */
const LATE_FRAME_MS = 500;

interface Listing {
  pagination: { total_tasks?: number; total_capped?: boolean; next_cursor: string | null };
  tasks: TaskView[];
}

const read = async (filter: URLSearchParams, cursor: string | null): Promise<Listing> => {
  const query = new URLSearchParams(filter);
  query.set('page_size', String(PAGE_SIZE));
  if (cursor !== null) query.set('cursor', cursor);
  return get<Listing>(`/tasks?${query.toString()}`);
};

const TaskRow = ({
  row,
  isChosen,
  isLeft,
  choose,
}: {
  row: ListRow;
  isChosen: boolean;
  isLeft: boolean;
  choose(isChosen: boolean): void;
}) => {
  const { task, isChanged, isNew } = row;
  // Of two names for one animation, each change of a row takes the other: so it starts again.
  const flash = isChanged ? `flash${task.version % 2}` : '';
  const open = (event: MouseEvent): void => {
    if (!(event.target as Element).closest('a, input, button')) go(`/tasks/${task.task_id}`);
  };
  // Rows that did not change are not even compared, while hundreds of tasks a second come by.
  return useMemo(
    () => (
      <tr
        class={`${isNew ? 'new' : ''} ${flash} ${isChosen ? 'chosen' : ''} ${isLeft ? 'over' : ''}`}
        title={isLeft ? 'It does not match the filters any more' : undefined}
        onClick={open}
        data-task={task.task_id}
      >
        <td>
          <input
            type="checkbox"
            aria-label={`Select ${task.title ?? task.type} ${task.task_id}`}
            checked={isChosen}
            onChange={(event) => choose(event.currentTarget.checked)}
          />
        </td>
        <td>
          <StatusBadge status={task.status} />
        </td>
        <td class="what">
          <a href={toHref(`/tasks/${task.task_id}`)}>{task.title ?? task.type}</a>
          <span class="muted">
            {task.title === null ? '' : `${task.type} `}
            {task.error?.message.slice(0, 120)}
          </span>
        </td>
        <td class="wide">
          <code>
            {task.task_id.slice(0, 8)}…{task.task_id.slice(-4)}
          </code>
        </td>
        <td class="wide">{task.queue}</td>
        <td class="num wide">
          {task.attempt}/{task.max_attempts}
        </td>
        <td class="num">
          <Age at={task.submitted_at} />
        </td>
      </tr>
    ),
    [row, isChosen, isLeft],
  );
};

/** The live table. */
export const TasksPage = () => {
  const { query } = route.value;
  const filter = filterQuery(query);
  const cursor = query.get('cursor');
  const address = `${filter.toString()} ${cursor ?? ''}`;
  const { data, error, reload } = useQuery(`tasks ${address}`, () => read(filter, cursor));
  const [rows, setRows] = useState<ListRow[]>([]);
  const [held, setHeld] = useState<TaskUpdate[]>([]);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [isAll, setAll] = useState(false);
  const [deletions, setDeletions] = useState(0);
  const [isBusy, act] = useAction();
  const isPointerIn = useRef(false);
  const isFirstPage = cursor === null;

  useEffect(() => {
    if (data) setRows(data.tasks.map((task) => ({ task, isChanged: false, isNew: false })));
    setHeld([]);
  }, [data]);
  useEffect(() => {
    setChosen(new Set());
    setAll(false);
  }, [address]);
  useEffect(() => {
    if (deletions === 0) return undefined;
    const timer = setTimeout(reload, LATE_FRAME_MS);
    return () => clearTimeout(timer);
  }, [deletions, address]);

  useTaskUpdates((news) => {
    // Only the service can look inside parameters: then it is asked again, when the reader wants
    // it.
    const unknown = news.filter((task) => matches(task, filter) === null);
    const shown = new Set(rows.map(({ task }) => task.task_id));
    const isStill = isPointerIn.current || chosen.size > 0;
    const isHeld = (task: TaskUpdate): boolean =>
      isFirstPage && !shown.has(task.task_id) && (isStill || unknown.includes(task));
    const waiting = news.filter(
      (task) =>
        isHeld(task) &&
        matches(task, filter) !== false &&
        task.task_id > (rows[0]?.task.task_id ?? ''),
    );
    if (waiting.length > 0)
      setHeld((before) => [
        ...before.filter(({ task_id }) => !waiting.some((task) => task.task_id === task_id)),
        ...waiting,
      ]);
    setRows((before) =>
      applyUpdates(
        before,
        news.filter((task) => !isHeld(task)),
        filter,
        isFirstPage,
      ),
    );
  });

  const showHeld = (): void => {
    if (held.some((task) => matches(task, filter) === null)) reload();
    else setRows((before) => applyUpdates(before, held, filter, isFirstPage));
    setHeld([]);
  };
  const choose = (id: string, isChosen: boolean): void => {
    setAll(false);
    setChosen((before) =>
      isChosen ? new Set(before).add(id) : new Set([...before].filter((each) => each !== id)),
    );
  };
  const isPageChosen = rows.length > 0 && rows.every(({ task }) => chosen.has(task.task_id));
  const total = data?.pagination.total_tasks;
  const totalText =
    total === undefined
      ? 'all'
      : `all ${formatNumber(total)}${data?.pagination.total_capped ? '+' : ''}`;

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
  const toPage = (next: string | null): void => {
    const moved = new URLSearchParams(filter);
    if (next !== null) moved.set('cursor', next);
    go('/tasks', moved);
  };
  const share = async (): Promise<string> => {
    await navigator.clipboard.writeText(location.href);
    return 'The link to this view is copied';
  };

  return (
    <>
      <PageHead title="Tasks">
        <span class="muted" data-testid="total">
          {total === undefined
            ? ''
            : `${formatNumber(total)}${data?.pagination.total_capped ? '+' : ''} total`}
        </span>
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
      <Filters />
      {error && <ErrorNote error={error} retry={reload} />}
      <div class={`selection ${chosen.size > 0 ? 'open' : ''}`}>
        {chosen.size > 0 && (
          <>
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
          </>
        )}
      </div>
      {held.length > 0 && (
        <button class="held" onClick={showHeld}>
          {formatNumber(held.length)} new task{held.length > 1 ? 's' : ''}: show
        </button>
      )}
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
                  onChange={(event) => (
                    setAll(false),
                    setChosen(
                      new Set(
                        event.currentTarget.checked ? rows.map(({ task }) => task.task_id) : [],
                      ),
                    )
                  )}
                />
              </th>
              <th scope="col">Status</th>
              <th scope="col">Task</th>
              <th scope="col" class="wide">
                Id
              </th>
              <th scope="col" class="wide">
                Queue
              </th>
              <th scope="col" class="num wide">
                Attempt
              </th>
              <th scope="col" class="num">
                Submitted
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
                choose={(isChosen) => choose(row.task.task_id, isChosen)}
              />
            ))}
          </tbody>
        </table>
        {data && rows.length === 0 && (
          <Empty>
            {[...filter].length > 0 ? (
              'No task matches these filters.'
            ) : (
              <>
                No task yet. <a href="#/new">Submit one</a>
              </>
            )}
          </Empty>
        )}
      </div>
      <div class="row end pager">
        {!isFirstPage && (
          <button class="small" onClick={() => toPage(null)}>
            Newest
          </button>
        )}
        {data?.pagination.next_cursor && (
          <button class="small" onClick={() => toPage(data.pagination.next_cursor)}>
            Older
          </button>
        )}
      </div>
    </>
  );
};
