import type { ComponentChildren } from 'preact';
import type { TaskDetail, TaskView } from '../../domain/view.ts';
import { formatClock, formatDuration } from '../format.ts';
import { get } from '../api.ts';
import { useNow, useQuery } from '../hooks.ts';
import { toLimitPath } from '../limits.ts';
import { toHref } from '../router.ts';
import { Age, StatusBadge, TaskLink } from './ui.tsx';

const Fact = ({ name, children }: { name: string; children: ComponentChildren }) => (
  <>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </>
);

/** Tasks that ran this one again, as many as are listed beside it. */
const MAX_RERUNS = 5;

/** What is known of a task, beside its values. */
export const TaskFacts = ({ task }: { task: TaskDetail }) => {
  const now = useNow();
  const { data } = useQuery(`reruns ${task.task_id}`, () =>
    get<{ tasks: TaskView[] }>(`/tasks?rerun_of=${task.task_id}&cursor=&page_size=${MAX_RERUNS}`),
  );
  const reruns = data?.tasks ?? [];
  const end = task.completed_at === null ? now : Date.parse(task.completed_at);
  return (
    <dl class="facts">
      <Fact name="Type">
        <a href={toHref(`/types/${task.type}`)}>{task.type}</a>
      </Fact>
      <Fact name="Queue">
        <a href={toHref(`/queues/${task.queue}`)}>{task.queue}</a>
      </Fact>
      <Fact name="Attempt">
        {task.attempt} of {task.max_attempts}
        {task.rescues > 0 ? `, rescued ${task.rescues} times` : ''}
      </Fact>
      <Fact name="Submitted">
        <Age at={task.submitted_at} />
      </Fact>
      {task.scheduled_at && (
        <Fact name="Due">
          <Age at={task.scheduled_at} />
        </Fact>
      )}
      {task.started_at && (
        <Fact name="Started">
          <Age at={task.started_at} />
        </Fact>
      )}
      {task.completed_at && (
        <Fact name="Ended">
          <Age at={task.completed_at} />
        </Fact>
      )}
      {task.started_at && (
        <Fact name="Duration">{formatDuration((end - Date.parse(task.started_at)) / 1_000)}</Fact>
      )}
      <Fact name="Tags">
        {task.tags.length === 0
          ? 'None'
          : task.tags.map((tag) => (
              <a class="chip" key={tag} href={toHref('/tasks', { tag })}>
                {tag}
              </a>
            ))}
      </Fact>
      {task.parent_id && (
        <Fact name="Submitted by">
          <TaskLink id={task.parent_id} />
        </Fact>
      )}
      {task.flow_id && (
        <Fact name="Flow">
          <a href={toHref(`/flows/${task.flow_id}`)}>
            {task.node}
            {task.item !== null && `, item ${task.item}`}
          </a>
        </Fact>
      )}
      {task.schedule_id && (
        <Fact name="Schedule">
          <a href={toHref(`/schedules/${task.schedule_id}`)}>
            {task.scheduled_for === null ? 'by hand' : formatClock(task.scheduled_for)}
          </a>
        </Fact>
      )}
      {task.limit && (
        <Fact name="Limit">
          <a href={toHref(toLimitPath(task.limit.key))}>{task.limit.key}</a>
          {task.limit.sub_key !== null && `, ${task.limit.sub_key}`}
        </Fact>
      )}
      {task.expires_at && (
        <Fact name={task.end_reason === 'expired' ? 'Expired' : 'Expires'}>
          <Age at={task.expires_at} />
          {task.end_reason === 'expired' && ', before it began'}
        </Fact>
      )}
      {task.rerun_of && (
        <Fact name="Ran again">
          <TaskLink id={task.rerun_of} />
        </Fact>
      )}
      {reruns.length > 0 && (
        <Fact name="Run again as">
          {reruns.map(({ task_id, status }) => (
            <div key={task_id}>
              <TaskLink id={task_id} /> <StatusBadge status={status} />
            </div>
          ))}
          {reruns.length === MAX_RERUNS && (
            <a href={toHref('/tasks', { rerun_of: task.task_id })}>All</a>
          )}
        </Fact>
      )}
      {task.reused_from && (
        <Fact name="Output of">
          <TaskLink id={task.reused_from} />
        </Fact>
      )}
      <Fact name="Callback">{task.callback_url ?? 'None'}</Fact>
      {task.traceparent && (
        <Fact name="Trace">
          <code>{task.traceparent.slice(3, 35)}</code>
        </Fact>
      )}
      <Fact name="Version">{task.version}</Fact>
    </dl>
  );
};
