/**
 * One size of the table. Rows are those of the statements themselves; ms are medians, seen by a
 * client on this machine.
 */
export interface Growth {
  rows: number;
  submit_rows_read: number;
  submit_rows_written: number;
  list_rows_read: number;
  get_rows_read: number;
  recorded_per_second: number;
  list_per_second: number;
  status_per_second: number;
}

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [640, 320, 70, 46, 30];
const COLORS = ['#3a4fd0', '#187044', '#b3261e', '#8a5a00'];

interface Curve<Figures> {
  label: string;
  of(figures: Figures): number;
}

/** What the points of a picture are of. */
interface Axis<Figures> {
  title: string;
  nameOf(figures: Figures): string;
}

/** A picture of curves, whose points are as far from each other as they are named. */
const picture = <Figures>(
  title: string,
  unit: string,
  axis: Axis<Figures>,
  figures: readonly Figures[],
  curves: readonly Curve<Figures>[],
): string => {
  const highest =
    Math.max(1, ...figures.flatMap((each) => curves.map(({ of }) => of(each)))) * 1.15;
  const x = (i: number): number =>
    LEFT + ((WIDTH - LEFT - 130) * i) / Math.max(1, figures.length - 1);
  const y = (value: number): number =>
    HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * value) / highest;
  const lines = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = y((highest / 1.15) * part);
    return `<line x1="${LEFT}" y1="${at}" x2="${WIDTH - 130}" y2="${at}" stroke="#8884"/><text x="${LEFT - 8}" y="${at + 4}" text-anchor="end">${Math.round((highest / 1.15) * part)}</text>`;
  });
  const drawn = curves.map(({ label, of }, n) => {
    const points = figures.map((each, i) => `${x(i).toFixed(1)},${y(of(each)).toFixed(1)}`);
    const dots = points.map(
      (point) =>
        `<circle cx="${point.split(',')[0]}" cy="${point.split(',')[1]}" r="3.5" fill="${COLORS[n]}"/>`,
    );
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${COLORS[n]}" stroke-width="2.5"/>${dots.join('')}<text x="${WIDTH - 120}" y="${TOP + 18 + n * 20}" fill="${COLORS[n]}">${label}</text>`;
  });
  const names = figures.map(
    (each, i) =>
      `<text x="${x(i)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${axis.nameOf(each)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" fill="#777"><text x="${LEFT}" y="16" font-weight="600">${title}, ${unit}</text>${lines.join('')}${names.join('')}<text x="${(WIDTH - 60) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${axis.title}</text>${drawn.join('')}</svg>\n`;
};

const ROWS: Axis<Growth> = {
  title: 'rows in the table',
  nameOf: ({ rows }) => rows.toLocaleString('en'),
};

/** What so many databases take, simulated. */
export interface Scale {
  shards: number;
  submits_per_second: number;
  bulk_per_second: number;
}
const SHARDS: Axis<Scale> = { title: 'databases', nameOf: ({ shards }) => String(shards) };

/** The curves of the simulation, by name. */
export const scaleCurves = (figures: readonly Scale[]): Record<string, string> => ({
  'scale-single': picture('Submits one by one', 'a second, simulated', SHARDS, figures, [
    { label: 'submits', of: (each) => each.submits_per_second },
  ]),
  'scale-bulk': picture('Tasks by the hundred', 'a second, simulated', SHARDS, figures, [
    { label: 'tasks', of: (each) => each.bulk_per_second },
  ]),
});

/** The curves of docs/performance.md, by name. */
export const curves = (figures: readonly Growth[]): Record<string, string> => ({
  cost: picture('What a call reads and writes', 'rows of D1', ROWS, figures, [
    { label: 'submit: written', of: (each) => each.submit_rows_written },
    { label: 'submit: read', of: (each) => each.submit_rows_read },
    { label: 'list of 50: read', of: (each) => each.list_rows_read },
    { label: 'status: read', of: (each) => each.get_rows_read },
  ]),
  rate: picture('How many a second', 'at 32 connections', ROWS, figures, [
    { label: 'tasks recorded', of: (each) => each.recorded_per_second },
    { label: 'lists of 50', of: (each) => each.list_per_second },
    { label: 'statuses', of: (each) => each.status_per_second },
  ]),
});
