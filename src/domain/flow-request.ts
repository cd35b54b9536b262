import type { SubmitRequest } from './submit-request.ts';
import type { OnFailure } from './words.ts';

/** A node of a flow as it is submitted. */
export interface FlowNodeRequest extends SubmitRequest {
  /** The nodes that it waits for, besides those whose values it names. */
  after?: string[] | undefined;
  /** The list of whose items each becomes a task. */
  for_each?: { $from: string } | undefined;
}

/** A flow as it is submitted: its nodes by name. */
export interface FlowRequest {
  name?: string | null | undefined;
  tasks: Record<string, FlowNodeRequest>;
  on_failure: OnFailure;
  callback_url?: string | null | undefined;
}
