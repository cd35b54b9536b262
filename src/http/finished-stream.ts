import type { FlowDetail } from '../domain/flow-view.ts';
import type { Frame } from '../domain/frames.ts';
import type { TaskView } from '../domain/view.ts';

/** What a stream shows that has ended already. */
export type Ended = TaskView | FlowDetail;
/** The only frame of such a stream. */
export const toSnapshot = (ended: Ended): Frame =>
  'flow_id' in ended && 'nodes' in ended
    ? { event: 'snapshot', flow: ended }
    : { event: 'snapshot', task: ended };

/**
 * The stream of a finished task: the snapshot and the close. It ends here and not in the board,
 * which an open socket of this kind would keep awake; a hibernating one the runtime ends only some
 * 10 s after its close.
 */
export const openFinished = (ended: Ended): WebSocket => {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.send(JSON.stringify(toSnapshot(ended)));
  server.close(1000, 'final');
  return client;
};
