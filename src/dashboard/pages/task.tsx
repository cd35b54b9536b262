import { allows } from '../../domain/lifecycle.ts';
import { isFinal } from '../../domain/words.ts';
import { useEffect, useState } from 'preact/hooks';
import type { TaskDetail } from '../../domain/view.ts';
import { api, get, post } from '../api.ts';
import { watchTask } from '../live.ts';
import { go, toHref } from '../router.ts';
import { Age, Card, ErrorNote, PageHead, ProgressBar, StatusBadge } from '../components/ui.tsx';
import { confirm } from '../components/confirm.tsx';
import { Timeline } from '../components/timeline.tsx';
import { Tree } from '../components/tree.tsx';
import { useAction, useQuery, useTaskUpdates } from '../hooks.ts';

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
        <button key={verb} disabled={isBusy} onClick={() => runCommand(verb, label)}>
          {label}
        </button>
      ))}
      {allows('delete', task.status) && (
        <button class="danger" disabled={isBusy} onClick={remove}>
          Delete
        </button>
      )}
      <a class="button" href={toHref('/new', { from: task.task_id })}>
        Run again with edited parameters
      </a>
    </>
  );
};

const Facts = ({ task }: { task: TaskDetail }) => (
  <dl class="facts">
    <dt>Id</dt>
    <dd>
      <code>{task.task_id}</code>
    </dd>
    <dt>Type</dt>
    <dd>
      <a href={toHref('/tasks', { type: task.type })}>{task.type}</a>
    </dd>
    <dt>Queue</dt>
    <dd>
      {task.queue}, {task.priority.toLowerCase()} priority
    </dd>
    <dt>Attempt</dt>
    <dd>
      {task.attempt} of {task.max_attempts}
      {task.rescues > 0 ? `, rescued ${task.rescues} times` : ''}
    </dd>
    <dt>Submitted</dt>
    <dd>
      <Age at={task.submitted_at} />
    </dd>
    {task.scheduled_at && (
      <>
        <dt>Due</dt>
        <dd>
          <Age at={task.scheduled_at} />
        </dd>
      </>
    )}
    {task.started_at && (
      <>
        <dt>Started</dt>
        <dd>
          <Age at={task.started_at} />
        </dd>
      </>
    )}
    {task.completed_at && (
      <>
        <dt>Ended</dt>
        <dd>
          <Age at={task.completed_at} />
        </dd>
      </>
    )}
    {task.tags.length > 0 && (
      <>
        <dt>Tags</dt>
        <dd>
          {task.tags.map((tag) => (
            <a class="chip" key={tag} href={toHref('/tasks', { tag })}>
              {tag}
            </a>
          ))}
        </dd>
      </>
    )}
    {task.reused_from && (
      <>
        <dt>Output of</dt>
        <dd>
          <a href={toHref(`/tasks/${task.reused_from}`)}>{task.reused_from}</a>
        </dd>
      </>
    )}
    {task.callback_url && (
      <>
        <dt>Callback</dt>
        <dd>{task.callback_url}</dd>
      </>
    )}
    <dt>Version</dt>
    <dd>{task.version}</dd>
  </dl>
);

const Attempts = ({ task }: { task: TaskDetail }) => (
  <ol class="attempts">
    {task.attempts.map((each) => (
      <li key={each.ended_at + String(each.attempt)}>
        <span
          class={`badge ${each.outcome === 'completed' ? 'completed' : each.outcome === 'failed' ? 'failed' : 'paused'}`}
        >
          {each.outcome}
        </span>
        <span>
          attempt {each.attempt}, <Age at={each.ended_at} />
        </span>
        {each.error && (
          <p class="message">
            <code>{each.error.code}</code> {each.error.message}
          </p>
        )}
      </li>
    ))}
  </ol>
);

const Deliveries = ({ task }: { task: TaskDetail }) => (
  <ul class="attempts">
    {task.deliveries.map((each) => (
      <li key={each.id}>
        <span
          class={`badge ${each.state === 'DELIVERED' ? 'completed' : each.state === 'OPEN' ? 'pending' : 'failed'}`}
        >
          {each.state.toLowerCase().replace('_', ' ')}
        </span>
        <span>
          {each.sink} of {each.status.toLowerCase()}, {each.tries} tries
        </span>
        {each.last_error && <p class="message">{each.last_error}</p>}
      </li>
    ))}
  </ul>
);

/** One task, live. */
export const TaskPage = ({ id }: { id: string }) => {
  const { data, error, reload } = useQuery(`task ${id}`, () => get<TaskDetail>(`/tasks/${id}`));
  const [live, setLive] = useState<TaskDetail | null>(null);
  useEffect(
    () =>
      setLive((before) =>
        data && (before === null || data.version >= before.version) ? data : before,
      ),
    [data],
  );
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
  if (!live) return <p class="empty">Loading …</p>;
  return (
    <>
      <PageHead title={live.title ?? live.type}>
        <Actions task={live} reload={reload} />
      </PageHead>
      <div class="row statusline">
        <StatusBadge status={live.status} />
        {live.description && <span class="muted">{live.description}</span>}
      </div>
      {live.status === 'IN_PROGRESS' && (
        <ProgressBar
          fraction={live.progress?.fraction ?? 0}
          label={
            live.progress?.note ??
            (live.progress ? `${Math.round(live.progress.fraction * 100)} %` : 'running')
          }
        />
      )}
      {live.error && (
        <div class="note error">
          <code>{live.error.code}</code> <span>{live.error.message}</span>
        </div>
      )}
      <Card title="Timeline">
        <Timeline task={live} />
        {live.attempts.length > 0 && <Attempts task={live} />}
      </Card>
      <div class="columns even">
        <Card title="Parameters">
          <Tree value={live.params} />
        </Card>
        <Card title="Result">
          {live.status === 'COMPLETED' ? (
            <Tree value={live.result} />
          ) : (
            <p class="muted">None yet.</p>
          )}
        </Card>
      </div>
      <div class="columns even">
        <Card title="Facts">
          <Facts task={live} />
        </Card>
        {live.deliveries.length > 0 && (
          <Card title="Deliveries">
            <Deliveries task={live} />
          </Card>
        )}
      </div>
    </>
  );
};
