import type { ScheduleRow, NextMoment } from '../schedules.ts';
import { get } from '../api.ts';
import { formatClock, formatNumber } from '../format.ts';
import { useQuery, useThrottledReload } from '../hooks.ts';
import { toHref } from '../router.ts';
import { BackfillForm } from '../components/backfill.tsx';
import { Moments } from '../components/moments.tsx';
import { OutcomeBars } from '../components/outcome-bars.tsx';
import { mayWriteSchedules, ScheduleActions } from '../components/schedule-actions.tsx';
import { Tree } from '../components/tree.tsx';
import {
  Age,
  Card,
  Empty,
  ErrorNote,
  PageHead,
  Skeleton,
  StatusBadge,
  TaskLink,
} from '../components/ui.tsx';

const OVERLAP_WORDS: Record<ScheduleRow['overlap'], string> = {
  allow: 'One more begins, whether or not the one before has ended',
  skip: 'A moment is left out while the task before has not ended',
  cancel_previous: 'The task before is cancelled',
  queue_one: 'One moment waits for the end of the task before',
};
const CATCH_UP_WORDS: Record<ScheduleRow['catch_up'], string> = {
  none: 'What was missed is not made up for',
  latest: 'Of what was missed, the newest is made up for',
  all: 'All that was missed is made up for',
};

/** What was missed longer ago is news no more. */
const NEWS_MS = 7 * 86_400_000;

/** What a reader must know at once. */
const Notes = ({ schedule }: { schedule: ScheduleRow }) => {
  const { last_error: error, missed, queued_for } = schedule;
  return (
    <>
      {schedule.status === 'paused' && (
        <p class="note warn">
          <span>
            Paused <Age at={schedule.paused_at} />. Moments that pass are not made up for.
          </span>
        </p>
      )}
      {error && (
        <p class="note error" role="alert">
          <span>
            <strong>{error.code}</strong>, <Age at={error.at} />: {error.message}
          </span>
        </p>
      )}
      {queued_for !== null && (
        <p class="note">
          <span>The moment of {formatClock(queued_for)} waits for the end of the task before.</span>
        </p>
      )}
      {missed && Date.now() - Date.parse(missed.until) < NEWS_MS && (
        <p class="note warn">
          <span>
            Missed: what was due from {formatClock(missed.from)} until before{' '}
            {formatClock(missed.until)}.
          </span>
        </p>
      )}
    </>
  );
};

const Facts = ({ schedule }: { schedule: ScheduleRow }) => (
  <dl class="facts">
    <dt>When</dt>
    <dd>
      {schedule.words}
      {schedule.cron !== null && (
        <>
          {' '}
          <code>{schedule.cron}</code>
        </>
      )}
    </dd>
    <dt>Zone</dt>
    <dd>{schedule.timezone}</dd>
    <dt>Overlap</dt>
    <dd>{OVERLAP_WORDS[schedule.overlap]}</dd>
    <dt>Missed</dt>
    <dd>{CATCH_UP_WORDS[schedule.catch_up]}</dd>
    <dt>Fired</dt>
    <dd>
      {formatNumber(schedule.fired)}, skipped {formatNumber(schedule.skipped)}, refused{' '}
      {formatNumber(schedule.refused)}
    </dd>
    <dt>Changed</dt>
    <dd>
      <Age at={schedule.updated_at} />
    </dd>
  </dl>
);

const Recent = ({ schedule }: { schedule: ScheduleRow }) =>
  schedule.recent.length === 0 ? (
    <Empty>It has not fired yet.</Empty>
  ) : (
    <>
      <OutcomeBars recent={schedule.recent} />
      <ul class="plainlist">
        {schedule.recent.slice(0, 10).map((task) => (
          <li key={task.task_id}>
            <StatusBadge status={task.status} isScheduled={false} /> <TaskLink id={task.task_id} />{' '}
            {task.scheduled_for === null ? 'by hand' : formatClock(task.scheduled_for)}{' '}
            <span class="muted">
              <Age at={task.submitted_at} />
            </span>
          </li>
        ))}
      </ul>
    </>
  );

/** One schedule: what it does, when it fires, how it went. */
export const SchedulePage = ({ id }: { id: string }) => {
  const {
    data: schedule,
    error,
    readAt,
    reload,
  } = useQuery(`schedule ${id}`, () => get<ScheduleRow>(`/schedules/${id}`));
  const { data: coming, reload: reloadNext } = useQuery(
    `next ${id} ${schedule?.next?.at ?? ''} ${schedule?.updated_at ?? ''}`,
    () => get<{ next: NextMoment[] }>(`/schedules/${id}/next?count=10`),
  );
  useThrottledReload(() => {
    reload();
    reloadNext();
  }, 1_000);
  if (error && !schedule) return <ErrorNote error={error} />;
  if (!schedule) return <Skeleton rows={8} />;
  return (
    <>
      <PageHead title={schedule.name}>
        <a class="button" href={toHref('/tasks', { schedule_id: schedule.schedule_id })}>
          Its tasks
        </a>
        <ScheduleActions schedule={schedule} reload={reload} />
      </PageHead>
      {error && <ErrorNote error={error} readAt={readAt} retry={reload} />}
      <Notes schedule={schedule} />
      <div class="columns even">
        <Card title="What it does">
          <Facts schedule={schedule} />
        </Card>
        <Card title="Next ten">{coming ? <Moments moments={coming.next} /> : <Skeleton />}</Card>
      </div>
      <div class="columns even">
        <Card title="The last 30">
          <Recent schedule={schedule} />
        </Card>
        <Card title="Its task">
          {schedule.task === null ? (
            <Empty>This key may not read tasks.</Empty>
          ) : (
            <Tree value={schedule.task} />
          )}
        </Card>
      </div>
      {mayWriteSchedules() && (
        <Card title="Backfill: moments that are past">
          <BackfillForm schedule={schedule} reload={reload} />
        </Card>
      )}
    </>
  );
};
