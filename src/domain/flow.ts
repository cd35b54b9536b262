import type { flowEdgesTable, flowsTable } from '../schema/flows.ts';
import type { Task } from './task.ts';

/** A flow: the row as stored. Times are integer milliseconds. */
export type Flow = typeof flowsTable.$inferSelect;
export type FlowKey = Pick<Flow, 'owner' | 'id'>;
/** That one of its nodes waits for another, by the ids of their tasks. */
export type FlowEdge = typeof flowEdgesTable.$inferSelect;

/** Tasks that a list node makes, at most. */
export const MAX_ITEMS = 1_000;
/** All tasks of a flow. */
export const MAX_FLOW_TASKS = 10_000;

/**
 * What `blocked_by` of a node says when it is not the number of tasks that it waits for. Null: its
 * parameters are filled in, and it is a task like others.
 */
export const BLOCKED_BY = {
  /** Nothing keeps it: the release step fills its parameters in. */
  ready: 0,
  /** It may run, and its parameters are filled in when it does: their values are large. */
  atRun: -1,
  /** What it waits for did not complete, so it cannot run: the release step cancels it. */
  upstreamFailed: -2,
} as const;

/** Values in parameters beyond this (bytes of all of them, as JSON) are filled in at the run. */
export const MAX_COPIED_BYTES = 16_384;
/** The parameters of a task of a list node whose own are long: they are filled in from there. */
export const IN_LIST = '{}';
/** Parameters with their values; as much as a submit may have. */
export const MAX_FILLED_BYTES = 1_000_000;
/** Results that are read to fill the parameters of one node in. */
export const MAX_SOURCE_BYTES = 8_000_000;

/** Whether a task is a list node: one that makes a task for each item, and ends when they have. */
export const isListNode = ({ for_each, item }: Pick<Task, 'for_each' | 'item'>): boolean =>
  for_each !== null && item === null;

/** A task of a flow, which has its place there. */
export type FlowTask<Row extends Pick<Task, 'flow_id' | 'node'> = Task> = Row & {
  flow_id: string;
  node: string;
};
export const isOfFlow = <Row extends Pick<Task, 'flow_id' | 'node'>>(
  task: Row,
): task is FlowTask<Row> => task.flow_id !== null;
