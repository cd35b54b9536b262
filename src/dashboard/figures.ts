import type * as z from 'zod';
import type { statsSchema } from '../http/routes/stats.ts';
import type { Series } from './components/chart.tsx';
import { get } from './api.ts';
import { useQuery, useThrottledReload, type Loaded } from './hooks.ts';
import { replaceQuery, route } from './router.ts';

export type Stats = z.output<typeof statsSchema>;
export type FigureGroup = Stats['groups'][number];
type Point = FigureGroup['points'][number];

/** Windows of time, with the step that fits each. */
export const WINDOWS = { '1h': '1 h', '24h': '24 h', '7d': '7 d', '30d': '30 d', '90d': '90 d' };
export type WindowName = keyof typeof WINDOWS;
const STEPS: Record<WindowName, string> = {
  '1h': '1m',
  '24h': '15m',
  '7d': '6h',
  '30d': '1d',
  '90d': '1d',
};
/** Figures are read again this often at most while things happen. */
const FRESH_MS = 1_000;

/** The window that the URL names. */
export const readWindow = (usual: WindowName): WindowName => {
  const name = route.value.query.get('window');
  return name !== null && Object.hasOwn(WINDOWS, name) ? (name as WindowName) : usual;
};

export const chooseWindow = (name: WindowName): void => {
  const query = new URLSearchParams(route.value.query);
  query.set('window', name);
  replaceQuery(query);
};

/** Figures of a window, split by something; they follow what happens. */
export const useFigures = (
  window: WindowName,
  by: 'type' | 'queue' | 'outcome',
  only: Record<string, string> = {},
): Loaded<Stats> => {
  const query = new URLSearchParams({ from: window, step: STEPS[window], by, ...only }).toString();
  const loaded = useQuery(`stats ${query}`, () => get<Stats>(`/stats?${query}`));
  useThrottledReload(loaded.reload, window === '1h' ? FRESH_MS : FRESH_MS * 5);
  return loaded;
};

/** The times of a window's steps, quiet ones too, in ms. */
export const listSteps = ({ from, to, step_seconds }: Stats): number[] => {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const count = Math.round((end - start) / (step_seconds * 1_000));
  return Array.from({ length: count }, (_, i) => start + i * step_seconds * 1_000);
};

type Count = 'submitted' | 'completed' | 'failed' | 'cancelled' | 'retried';

/** How many there were in each step, of all groups together. */
export const sumSteps = (stats: Stats, name: Count): number[] => {
  const sums = new Map<number, number>();
  for (const { points } of stats.groups)
    for (const point of points) {
      const at = Date.parse(point.at);
      sums.set(at, (sums.get(at) ?? 0) + point[name]);
    }
  return listSteps(stats).map((at) => sums.get(at) ?? 0);
};

/** A value of a group in each step; null where nothing happened. */
export const toSteps = <Value>(
  stats: Stats,
  group: FigureGroup,
  read: (point: Point) => Value,
): (Value | null)[] => {
  const points = new Map(group.points.map((point) => [Date.parse(point.at), point]));
  return listSteps(stats).map((at) => {
    const point = points.get(at);
    return point ? read(point) : null;
  });
};

/** Throughput as a chart draws it: failures are marks, so that none is no red line. */
export const toThroughput = (stats: Stats): { times: number[]; series: Series[] } => ({
  times: listSteps(stats).map((at) => at / 1_000),
  series: [
    { label: 'submitted', color: '--submitted', values: sumSteps(stats, 'submitted') },
    { label: 'completed', color: '--completed', values: sumSteps(stats, 'completed') },
    {
      label: 'failed',
      color: '--failed',
      isMarked: true,
      values: sumSteps(stats, 'failed').map((n) => (n === 0 ? null : n)),
    },
  ],
});

/** The part of the attempts that failed for good; null without any. */
export const toFailureRate = ({
  completed,
  failed,
}: Record<'completed' | 'failed', number>): number | null =>
  completed + failed === 0 ? null : failed / (completed + failed);

export const formatRate = (rate: number | null): string =>
  rate === null
    ? '–'
    : rate === 0
      ? '0 %'
      : rate < 0.001
        ? '< 0.1 %'
        : `${Number((rate * 100).toFixed(1))} %`;
