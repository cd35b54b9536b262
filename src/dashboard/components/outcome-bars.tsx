import type { ScheduleRow } from '../schedules.ts';
import { toWords } from '../format.ts';

const HEIGHT = 24;
const BAR = 4;
/** As many as a schedule tells. */
const MOST = 30;

type Recent = ScheduleRow['recent'][number];

const toSeconds = ({ started_at: from, completed_at: to }: Recent): number =>
  from === null || to === null ? 0 : (Date.parse(to) - Date.parse(from)) / 1_000;

/** `28 completed, 2 failed`. */
const toSummary = (recent: readonly Recent[]): string =>
  [...Map.groupBy(recent, ({ status }) => status)]
    .map(([status, all]) => `${all.length} ${toWords(status)}`)
    .join(', ');

/** The newest tasks of a schedule, a bar each, the newest last: how it ended, and how long it took. */
export const OutcomeBars = ({ recent }: { recent: readonly Recent[] }) => {
  if (recent.length === 0) return <span class="muted">None yet</span>;
  const most = Math.max(...recent.map(toSeconds), 1e-9);
  const width = MOST * BAR;
  return (
    <svg
      class="outcomes"
      role="img"
      aria-label={`The last ${recent.length}: ${toSummary(recent)}`}
      viewBox={`0 0 ${width} ${HEIGHT}`}
      width={width}
      height={HEIGHT}
    >
      {recent.map((task, i) => {
        const height = 6 + (toSeconds(task) / most) * (HEIGHT - 6);
        return (
          <rect
            key={task.task_id}
            class={task.status.toLowerCase()}
            x={width - (i + 1) * BAR}
            y={HEIGHT - height}
            width={BAR - 1}
            height={height}
          />
        );
      })}
    </svg>
  );
};
