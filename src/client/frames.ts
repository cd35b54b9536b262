import type { FlowDetail, FlowNodeView, FlowView } from './flow-types.ts';
import type { LogLine, TaskSummary, TaskView } from './types.ts';

/** A frame of a live stream; the first is always the snapshot. */
export type Frame =
  | { event: 'snapshot'; task: TaskView }
  | { event: 'snapshot'; tasks: TaskSummary[] }
  | { event: 'snapshot'; flow: FlowDetail }
  /** The flow as it stands, and those of its nodes that have changed. */
  | { event: 'update'; flow: FlowView; nodes: FlowNodeView[] }
  | { event: 'update'; task: TaskView }
  | { event: 'updates'; seq: number; tasks: TaskSummary[] }
  | {
      event: 'progress';
      task_id: string;
      version: number;
      fraction: number;
      note: string | null;
    }
  /** Text as a run writes it; `offset` counts UTF-16 units. */
  | { event: 'output'; task_id: string; attempt: number; offset: number; text: string }
  | { event: 'log'; task_id: string; attempt: number; first: number; lines: LogLine[] };
