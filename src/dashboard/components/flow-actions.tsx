import { isFinal } from '../../domain/words.ts';
import { api, may, post } from '../api.ts';
import type { FlowAnswer } from '../flows.ts';
import { useAction } from '../hooks.ts';
import { go } from '../router.ts';
import { confirm } from './confirm.tsx';

/** What can be done with a flow as a whole. */
export const FlowActions = ({ flow, reload }: { flow: FlowAnswer; reload(): void }) => {
  const [isBusy, act] = useAction();
  if (!may('tasks:write') && !may('admin')) return null;
  const path = `/flows/${flow.flow_id}`;
  const isOver = isFinal(flow.status);
  const canRetry = flow.nodes.some(({ status }) => status === 'FAILED' || status === 'CANCELLED');
  const run = (verb: 'cancel' | 'retry', done: string): void =>
    act(async () => {
      await post(`${path}/${verb}`);
      reload();
      return done;
    });
  const cancel = (): void =>
    act(async () => {
      const left = flow.tasks.total - flow.tasks.ended;
      if (!(await confirm(`Cancel the ${left} tasks that have not ended?`, 'Cancel flow')))
        return undefined;
      await post(`${path}/cancel`);
      reload();
      return 'Cancelled';
    });
  const remove = (): void =>
    act(async () => {
      const question = `Delete this flow with all of its ${flow.tasks.total} tasks?`;
      if (!(await confirm(question, 'Delete'))) return undefined;
      await api('DELETE', path);
      go('/flows');
      return 'Deleted';
    });
  return (
    <>
      {canRetry && (
        <button
          class={isOver ? 'primary' : ''}
          disabled={isBusy}
          onClick={() => run('retry', 'It goes on from what failed')}
        >
          Retry from what failed
        </button>
      )}
      {!isOver && (
        <button disabled={isBusy} onClick={cancel}>
          Cancel
        </button>
      )}
      {isOver && (
        <button class="danger" disabled={isBusy} onClick={remove}>
          Delete
        </button>
      )}
    </>
  );
};
