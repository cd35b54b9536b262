/** The name of the stream of a flow, beside those of tasks, which are their ids; and the flow of such a name. */
const FLOW = 'flow:';
export const toFlowStream = (id: string): string => `${FLOW}${id}`;
export const readFlowStream = (stream: string): string | null =>
  stream.startsWith(FLOW) ? stream.slice(FLOW.length) : null;
