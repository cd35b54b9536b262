import { useEffect, useState } from 'preact/hooks';
import { allows } from '../../domain/lifecycle.ts';
import type { TaskDetail } from '../../domain/view.ts';
import { isFinal } from '../../domain/words.ts';
import { api, get, post } from '../api.ts';
import { formatDuration } from '../format.ts';
import { watchTask } from '../live.ts';
import { go, toHref } from '../router.ts';
import { confirm } from '../components/confirm.tsx';
import { Children } from '../components/children.tsx';
import { Deliveries } from '../components/deliveries.tsx';
import { RunLog, RunOutput } from '../components/run-log.tsx';
import { SettleForm } from '../components/settle-form.tsx';
import { TaskFacts } from '../components/task-facts.tsx';
import { Attempts, Timeline } from '../components/timeline.tsx';
import { readOutside, Tree } from '../components/tree.tsx';
import {
  Card,
  CopyButton,
  ErrorNote,
  PageHead,
  ProgressBar,
  ShortId,
  Skeleton,
  StatusBadge,
  titlePrefix,
} from '../components/ui.tsx';
import { WaitingNote } from '../components/waiting-note.tsx';
import { addWords, type RunWords } from '../run-words.ts';
import { useAction, useNow, useQuery, useTaskUpdates } from '../hooks.ts';

/** The buttons, in their order; the lifecycle says which of them a status allows. */
const VERBS = [
  { verb: 'pause', label: 'Pause' },
  { verb: 'resume', label: 'Resume' },
  { verb: 'retry', label: 'Retry' },
  { verb: 'cancel', label: 'Cancel' },
] as const;

const Actions = ({ task, reload }: { task: TaskDetail; reload(): void }) => {
  const [isBusy, act] = useAction();
  const runCommand = (verb: string, label: string): void =>
    act(async () => {
      await post(`/tasks/${task.task_id}/${verb}`);
      reload();
      return `${label}: done`;
    });
  const remove = (): void =>
    act(async () => {
      if (!(await confirm('Delete this task, its history and its output?', 'Delete')))
        return undefined;
      await api('DELETE', `/tasks/${task.task_id}`);
      go('/tasks');
      return 'Deleted';
    });
  return (
    <>
      {VERBS.filter(({ verb }) => allows(verb, task.status)).map(({ verb, label }) => (
        <button
          key={verb}
          class={verb === 'retry' ? 'primary' : ''}
          disabled={isBusy}
          onClick={() => runCommand(verb, label)}
        >
          {label}
        </button>
      ))}
      {allows('delete', task.status) && task.flow_id === null && (
        <button class="danger" disabled={isBusy} onClick={remove}>
          Delete
        </button>
      )}
      {readOutside(task.params) === null && (
        <a class="button" href={toHref('/new', { from: task.task_id })}>
          Run again with edited parameters
        </a>
      )}
    </>
  );
};

/** How far it is, and when it will have ended if it goes on like this. */
const Progress = ({ task }: { task: TaskDetail }) => {
  const now = useNow();
  const fraction = task.progress?.fraction ?? 0;
  useEffect(() => {
    titlePrefix.value = task.progress ? `${Math.round(fraction * 100)} % ` : '';
    return () => void (titlePrefix.value = '');
  }, [fraction]);
  const ran = task.started_at === null ? 0 : (now - Date.parse(task.started_at)) / 1_000;
  const left = fraction > 0.02 && ran > 2 ? (ran / fraction) * (1 - fraction) : null;
  const note =
    task.progress?.note ?? (task.progress ? `${Math.round(fraction * 100)} %` : 'running');
  return (
    <ProgressBar
      fraction={fraction}
      label={left === null ? note : `${note}, about ${formatDuration(Math.round(left))} left`}
    />
  );
};

/** What helps with an error, by its code. */
const HINTS: Record<string, string> = {
  timeout: 'It took longer than its timeout: submit it with a longer timeout_seconds.',
  lost: 'Its worker died three times: it may need too much memory or CPU.',
  invalid_result: 'The type returned something that its schema does not allow.',
};

/** One task, live. */
export const TaskPage = ({ id }: { id: string }) => {
  const { data, error, readAt, reload } = useQuery(`task ${id}`, () =>
    get<TaskDetail>(`/tasks/${id}`),
  );
  const [live, setLive] = useState<TaskDetail | null>(null);
  useEffect(
    () =>
      setLive((before) =>
        data && (before === null || data.version >= before.version) ? data : before,
      ),
    [data],
  );
  const [words, setWords] = useState<RunWords | null>(null);
  const [isDeleted, setDeleted] = useState(false);
  // Final ones have no stream of their own: the list's tells when one is retried.
  useTaskUpdates((news) => {
    if (live && news.some((task) => task.task_id === id && task.version > live.version)) reload();
  });
  const isOver = live !== null && isFinal(live.status);
  useEffect(() => {
    if (live === null || isOver) return;
    return watchTask(
      id,
      (frame) => {
        setWords((before) => addWords(before, frame));
        if (frame.event === 'progress')
          setLive(
            (before) =>
              before && { ...before, progress: { fraction: frame.fraction, note: frame.note } },
          );
        if ('task' in frame) {
          setLive(
            (before) =>
              before &&
              (frame.task.version > before.version ? { ...before, ...frame.task } : before),
          );
          // The history of its attempts is no part of a frame.
          if (frame.event === 'update') reload();
        }
      },
      () => setDeleted(true),
    );
  }, [id, live === null, isOver]);
  if (error && !live) return <ErrorNote error={error} retry={reload} />;
  if (isDeleted)
    return (
      <p class="empty">
        This task was deleted. <a href="#/tasks">All tasks</a>
      </p>
    );
  if (!live) return <Skeleton rows={8} />;
  const isWaiting =
    live.waiting_for !== null && (live.status === 'NEW' || live.status === 'PENDING');
  return (
    <>
      <PageHead title={live.title ?? live.type}>
        <Actions task={live} reload={reload} />
      </PageHead>
      <div class="row statusline">
        <StatusBadge status={live.status} isScheduled={live.scheduled_at !== null} />
        <a href={toHref(`/types/${live.type}`)}>{live.type}</a>
        <ShortId id={id} />
        <CopyButton text={id} label="Copy id" />
        <CopyButton text={location.href} label="Copy link" />
        {live.description && <span class="muted">{live.description}</span>}
      </div>
      {error && <ErrorNote error={error} readAt={readAt} retry={reload} />}
      {live.status === 'IN_PROGRESS' && <Progress task={live} />}
      {isWaiting && live.waiting_for && (
        <WaitingNote
          waiting={live.waiting_for}
          type={live.type}
          flowHref={live.flow_id === null ? undefined : toHref(`/flows/${live.flow_id}`)}
          reload={reload}
        />
      )}
      {live.waiting_for?.reason === 'person' && <SettleForm task={live} reload={reload} />}
      {live.error && (
        <div class="note error">
          <code>{live.error.code}</code> <span>{live.error.message}</span>
          <span class="muted">{HINTS[live.error.code]}</span>
          <a
            href={toHref('/tasks', {
              status: 'FAILED',
              type: live.type,
              error: live.error.message,
            })}
          >
            All that failed so
          </a>
        </div>
      )}
      <div class="columns">
        <div class="stack">
          <Card title="Timeline">
            <Timeline task={live} />
            {live.attempts.length > 0 && <Attempts task={live} />}
          </Card>
          <RunOutput words={words} />
          <RunLog task={live} words={words} />
          <Children task={live} />
          <Card title="Parameters">
            <Tree value={live.params} filter="params" />
          </Card>
          <Card title="Result">
            {live.status === 'COMPLETED' ? (
              <Tree value={live.result} filter="result" />
            ) : (
              <p class="muted">{isOver ? 'None.' : 'None yet.'}</p>
            )}
          </Card>
          <Deliveries
            deliveries={live.deliveries}
            callbackUrl={live.callback_url}
            path={`/tasks/${id}`}
            reload={reload}
          />
        </div>
        <Card title="Facts">
          <TaskFacts task={live} />
        </Card>
      </div>
    </>
  );
};
