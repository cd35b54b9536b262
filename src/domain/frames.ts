import type { FlowDetail, FlowNodeView, FlowView } from './flow-view.ts';
import type { LogLine, LogPart } from './run-log.ts';
import type { Task } from './task.ts';
import type { TaskSummary, TaskView } from './view.ts';

/** How far a task has come, while it runs. */
export interface Progress {
  task_id: string;
  version: number;
  fraction: number;
  note: string | null;
}

const MAX_NOTE_CHARS = 200;

/** A handler's report, bounded and well-formed. */
export const toProgress = (
  { id, version }: Pick<Task, 'id' | 'version'>,
  fraction: number,
  note?: string,
): Progress => ({
  task_id: id,
  version,
  fraction: Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : 0,
  note: note?.slice(0, MAX_NOTE_CHARS).toWellFormed() ?? null,
});

/**
 * What a run has to show that the board has not: its output from a place on (UTF-16 units), and
 * lines of its log. Both null: it asks whether anybody watches.
 */
export interface RunReport {
  task_id: string;
  attempt: number;
  /** Whether this is all that there is, as far as it is kept. */
  isWhole: boolean;
  output: { offset: number; text: string } | null;
  log: LogPart | null;
}

/** How much of what a run says a board has. */
export interface RunShown {
  attempt: number;
  output: number;
  lines: number;
}

/** What a board answers: whether any task is watched, and what it has of those runs that are. */
export interface RunsPublished {
  isWatched: boolean;
  /** By task. */
  shown: Record<string, RunShown>;
}

/** A line of a run's log as the contract shows it. */
export type LogLineView = Omit<LogLine, 'at'> & { at: string };
export const toLogLineView = (line: LogLine): LogLineView => ({
  ...line,
  at: new Date(line.at).toISOString(),
});

/** A frame of a live stream; the first is always the snapshot. */
export type Frame =
  | { event: 'snapshot'; task: TaskView }
  | { event: 'snapshot'; tasks: TaskSummary[] }
  | { event: 'snapshot'; flow: FlowDetail }
  /** The flow as it stands, and those of its nodes that have changed. */
  | { event: 'update'; flow: FlowView; nodes: FlowNodeView[] }
  | { event: 'update'; task: TaskView }
  | { event: 'updates'; seq: number; tasks: TaskSummary[] }
  | ({ event: 'progress' } & Progress)
  /** Text as a run writes it, from this place on. */
  | { event: 'output'; task_id: string; attempt: number; offset: number; text: string }
  | { event: 'log'; task_id: string; attempt: number; first: number; lines: LogLineView[] };

/** A view without its long parts, as the list's frames carry it. */
export const summarize = (task: TaskView | TaskSummary): TaskSummary => {
  if (!('params' in task)) return task;
  const { params: _, result: __, ...summary } = task;
  return summary;
};

/** Keeps the update unless a newer one of its task is there. */
export const keepNewest = <T extends TaskSummary>(updates: Map<string, T>, update: T): void => {
  if (update.version > (updates.get(update.task_id)?.version ?? 0))
    updates.set(update.task_id, update);
};
