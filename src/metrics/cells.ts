import { addHistogram, countObservations, createHistogram, type Histogram } from './histogram.ts';

/** What happened to tasks of one type and queue within a time. */
export interface Cell {
  submitted: number;
  cancelled: number;
  /** How long tasks waited for their attempts, which began in this time. */
  wait: Histogram;
  /** How long attempts ran that ended in this time, by outcome. */
  completed: Histogram;
  failed: Histogram;
  retried: Histogram;
}

/** Outcomes of attempts whose durations are kept. */
export const TIMED_OUTCOMES = ['completed', 'failed', 'retried'] as const;
/** What figures can be grouped by. */
export const DIMENSIONS = ['type', 'queue', 'outcome'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** Of one owner, by minute since 1970, type and queue: see `toCellKey`. */
export type Cells = Map<string, Cell>;

export const createCell = (): Cell => ({
  submitted: 0,
  cancelled: 0,
  wait: createHistogram(),
  completed: createHistogram(),
  failed: createHistogram(),
  retried: createHistogram(),
});

/** A cell as it is stored: histograms without an observation, which most are, are empty lists. */
export const encodeCell = (cell: Cell): string =>
  JSON.stringify(cell, (_, value: unknown) =>
    Array.isArray(value) && value.every((n) => n === 0) ? [] : value,
  );

export const decodeCell = (text: string): Cell => JSON.parse(text) as Cell;

export const toCellKey = (minute: number, type: string, queue: string): string =>
  `${minute}\n${type}\n${queue}`;

export const parseCellKey = (key: string): { minute: number; type: string; queue: string } => {
  const [minute, type = '', queue = ''] = key.split('\n');
  return { minute: Number(minute), type, queue };
};

export const addCell = (to: Cell, from: Cell): void => {
  to.submitted += from.submitted;
  to.cancelled += from.cancelled;
  addHistogram(to.wait, from.wait);
  for (const outcome of TIMED_OUTCOMES) addHistogram(to[outcome], from[outcome]);
};

/** The cell of a key, to be added to. */
export const findCell = (cells: Cells, key: string): Cell => {
  const found = cells.get(key) ?? createCell();
  cells.set(key, found);
  return found;
};

/** Adds the cells of one part to those of another. */
export const addCells = (to: Cells, from: Cells): void => {
  for (const [key, cell] of from) addCell(findCell(to, key), cell);
};

/** How long the attempts of a cell ran, whatever became of them. */
export const sumRuns = (cell: Cell): Histogram => {
  const sum = createHistogram();
  for (const outcome of TIMED_OUTCOMES) addHistogram(sum, cell[outcome]);
  return sum;
};

/** How many tasks of a cell were submitted, and how many of its attempts ended which way. */
export const countEvents = (cell: Cell) => ({
  submitted: cell.submitted,
  completed: countObservations(cell.completed),
  failed: countObservations(cell.failed),
  cancelled: cell.cancelled,
  retried: countObservations(cell.retried),
});
