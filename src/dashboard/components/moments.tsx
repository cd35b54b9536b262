import type { NextMoment } from '../schedules.ts';
import { Age } from './ui.tsx';

/** `Sat 2026-03-28 02:30`: what the clocks of the zone show. */
const formatWall = (local: string): string => {
  const [date = '', rest = ''] = local.split('T');
  const day = new Date(`${date}T00:00:00Z`).toLocaleDateString('en', {
    weekday: 'short',
    timeZone: 'UTC',
  });
  const seconds = rest.slice(5, 8) === ':00' ? '' : rest.slice(5, 8);
  return `${day} ${date} ${rest.slice(0, 5)}${seconds}`;
};

/** When it fires next, by the clocks of its zone; where these change, it says so. */
export const Moments = ({ moments }: { moments: readonly NextMoment[] }) => (
  <ol class="plainlist moments">
    {moments.map(({ at, local }, i) => {
      const before = moments[i - 1]?.local.slice(19);
      const offset = local.slice(19);
      return (
        <li key={at}>
          <span>{formatWall(local)}</span> <span class="muted">UTC{offset}</span>{' '}
          {before !== undefined && before !== offset && (
            <span class="badge pending">clocks have changed</span>
          )}{' '}
          <span class="muted">
            <Age at={at} />
          </span>
        </li>
      );
    })}
  </ol>
);
