import { formatDuration, formatNumber } from '../format.ts';
import { formatRate, toFailureRate, toSteps, type Stats } from '../figures.ts';
import { toHref } from '../router.ts';
import { Sparkline } from './sparkline.tsx';
import { Age, Empty } from './ui.tsx';

/** Types or queues with what they did in a window. */
export const FigureTable = ({ stats, noun }: { stats: Stats; noun: 'type' | 'queue' }) => {
  if (stats.groups.length === 0)
    return (
      <Empty>
        Nothing happened in this time. <a href="#/new">Submit a task</a>
      </Empty>
    );
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`Figures by ${noun}`}>
      <table>
        <thead>
          <tr>
            <th scope="col">{noun === 'type' ? 'Type' : 'Queue'}</th>
            <th scope="col" class="num">
              Submitted
            </th>
            <th scope="col" class="num">
              Failed
            </th>
            <th scope="col" class="num wide">
              Wait p95
            </th>
            <th scope="col" class="num">
              Run p50
            </th>
            <th scope="col" class="num wide">
              p95
            </th>
            <th scope="col" class="num wide">
              p99
            </th>
            <th scope="col" class="wide">
              Trend
            </th>
            <th scope="col" class="wide">
              Change
            </th>
          </tr>
        </thead>
        <tbody>
          {stats.groups.map((group) => {
            const name = group.key ?? '';
            const rate = toFailureRate(group);
            return (
              <tr key={name}>
                <th scope="row">
                  <a href={toHref(`/${noun}s/${name}`)}>{name}</a>
                </th>
                <td class="num">{formatNumber(group.submitted)}</td>
                <td class={`num ${(rate ?? 0) > 0 ? 'wrong' : ''}`}>{formatRate(rate)}</td>
                <td class="num wide">{formatDuration(group.wait_seconds.p95)}</td>
                <td class="num">{formatDuration(group.run_seconds.p50)}</td>
                <td class="num wide">{formatDuration(group.run_seconds.p95)}</td>
                <td class="num wide">{formatDuration(group.run_seconds.p99)}</td>
                <td class="wide">
                  <Sparkline
                    label={`${name}: ended over time`}
                    values={toSteps(stats, group, (point) => point.completed + point.failed).map(
                      (n) => n ?? 0,
                    )}
                  />
                </td>
                <td class="wide">
                  {group.slower_since === null ? (
                    <span class="muted">steady</span>
                  ) : (
                    <span class="badge pending">
                      slower since <Age at={group.slower_since} />
                    </span>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
};
