import { useMemo } from 'preact/hooks';
import { listSteps, toSteps, type FigureGroup, type Stats } from '../figures.ts';
import { Chart } from './chart.tsx';

/** How long attempts ran, or tasks waited, over time. */
export const LatencyChart = ({
  stats,
  group,
  what,
}: {
  stats: Stats;
  group: FigureGroup;
  what: 'run_seconds' | 'wait_seconds';
}) => {
  const data = useMemo(
    () => ({
      times: listSteps(stats).map((at) => at / 1_000),
      series: (['p50', 'p95', 'p99'] as const).map((part, i) => ({
        label: part,
        color: ['--completed', '--pending', '--failed'][i] ?? '--muted',
        values: toSteps(stats, group, (point) => point[what][part]),
      })),
    }),
    [stats, group],
  );
  const noun = what === 'run_seconds' ? 'How long attempts ran' : 'How long tasks waited';
  return <Chart {...data} isDuration label={`${noun}, by time`} />;
};
