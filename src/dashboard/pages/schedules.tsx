import { useEffect } from 'preact/hooks';
import type { ScheduleRow } from '../schedules.ts';
import { get } from '../api.ts';
import { formatClock } from '../format.ts';
import { useQuery, useThrottledReload } from '../hooks.ts';
import { replaceQuery, route, toHref } from '../router.ts';
import { OutcomeBars } from '../components/outcome-bars.tsx';
import { mayWriteSchedules, ScheduleActions } from '../components/schedule-actions.tsx';
import {
  Age,
  Card,
  Empty,
  ErrorNote,
  PageHead,
  Segmented,
  Skeleton,
  StatusBadge,
} from '../components/ui.tsx';

const SHOWN = { all: 'All', active: 'Active', paused: 'Paused', wrong: 'With problems' };
type Shown = keyof typeof SHOWN;
/** Moments pass also while nothing else tells of it. */
const RELOAD_MS = 15_000;

interface Page {
  schedules: ScheduleRow[];
  pagination: { next_cursor: string | null };
}

/** All pages: an owner has a thousand at most. */
const readAll = async (): Promise<ScheduleRow[]> => {
  const all: ScheduleRow[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const more: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: Page = await get<Page>(`/schedules?recent=30${more}`);
    all.push(...page.schedules);
    cursor = page.pagination.next_cursor;
  }
  return all;
};

const fits = (schedule: ScheduleRow, shown: Shown): boolean =>
  shown === 'all' || (shown === 'wrong' ? schedule.last_error !== null : schedule.status === shown);

/** The rest is on the schedule's own page. */
const toFirstSentence = (text: string): string => text.split(/(?<=\.) /)[0] ?? text;

const Row = ({ schedule, reload }: { schedule: ScheduleRow; reload(): void }) => {
  const [last] = schedule.recent;
  return (
    <tr>
      <td data-label="Name" class="broken">
        <a href={toHref(`/schedules/${schedule.schedule_id}`)}>{schedule.name}</a>{' '}
        {schedule.status === 'paused' && <span class="badge paused">paused</span>}
        {schedule.last_error && (
          <div class="wrong">{toFirstSentence(schedule.last_error.message)}</div>
        )}
      </td>
      <td data-label="When">
        {schedule.words}
        <div class="muted">{schedule.timezone}</div>
      </td>
      <td data-label="Next">
        {schedule.next ? (
          <span title={`${formatClock(schedule.next.at)}, there ${schedule.next.local}`}>
            <Age at={schedule.next.at} />
          </span>
        ) : (
          <span class="muted">–</span>
        )}
      </td>
      <td data-label="Last">
        {last ? (
          <a href={toHref(`/tasks/${last.task_id}`)}>
            <StatusBadge status={last.status} isScheduled={false} /> <Age at={last.submitted_at} />
          </a>
        ) : (
          <span class="muted">–</span>
        )}
      </td>
      <td data-label="Last 30">
        <OutcomeBars recent={schedule.recent} />
        {schedule.skipped > 0 && <div class="muted">{schedule.skipped} skipped</div>}
      </td>
      <td>
        <ScheduleActions schedule={schedule} reload={reload} isShort />
      </td>
    </tr>
  );
};

/** What is submitted by itself: when, and how it went. */
export const SchedulesPage = () => {
  const word = route.value.query.get('show') ?? 'all';
  const shown: Shown = Object.hasOwn(SHOWN, word) ? (word as Shown) : 'all';
  const { data, error, readAt, reload } = useQuery('schedules', readAll);
  useThrottledReload(reload, 2_000);
  useEffect(() => {
    const timer = setInterval(reload, RELOAD_MS);
    return () => clearInterval(timer);
  }, []);
  const fitting = data?.filter((each) => fits(each, shown)) ?? [];
  return (
    <>
      <PageHead title="Schedules">
        <Segmented
          label="Show"
          values={SHOWN}
          value={shown}
          onChange={(value) =>
            replaceQuery(new URLSearchParams(value === 'all' ? {} : { show: value }))
          }
        />
        {mayWriteSchedules() && (
          <a class="button primary" href={toHref('/new-schedule')}>
            New schedule
          </a>
        )}
      </PageHead>
      {error && <ErrorNote error={error} readAt={readAt} retry={reload} />}
      {!data && !error && <Skeleton rows={6} />}
      {data?.length === 0 && (
        <Empty>
          Nothing is submitted by itself. A schedule does it: each night, each quarter of an hour.
        </Empty>
      )}
      {data && data.length > 0 && (
        <Card title={`${fitting.length} of ${data.length}`}>
          {fitting.length === 0 ? (
            <Empty>None.</Empty>
          ) : (
            <div class="scroll" tabIndex={0} role="region" aria-label="Schedules">
              <table class="stacked unbroken">
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col">When</th>
                    <th scope="col">Next</th>
                    <th scope="col">Last</th>
                    <th scope="col">Last 30</th>
                    <th scope="col">
                      <span class="hidden">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {fitting.map((schedule) => (
                    <Row key={schedule.schedule_id} schedule={schedule} reload={reload} />
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </Card>
      )}
    </>
  );
};
