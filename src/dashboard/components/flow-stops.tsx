import type { FlowNodeView } from '../../domain/flow-view.ts';
import type { TaskDetail } from '../../domain/view.ts';
import { get, may, post } from '../api.ts';
import { findStops, type FlowAnswer } from '../flows.ts';
import { useAction, useQuery } from '../hooks.ts';
import { toHref } from '../router.ts';
import { SettleForm } from './settle-form.tsx';
import { StatusBadge } from './ui.tsx';

/** Of more, the list tells. */
const MAX_SHOWN = 5;

/** A task that waits for a person, ended here and now. */
const Approval = ({ node, reload }: { node: FlowNodeView; reload(): void }) => {
  const { data } = useQuery(`approve ${node.task_id} ${node.version}`, () =>
    get<TaskDetail>(`/tasks/${node.task_id}`),
  );
  return data ? (
    <SettleForm task={data} reload={reload} title={`${node.node} waits for you`} />
  ) : null;
};

const Stop = ({ node, reload }: { node: FlowNodeView; reload(): void }) => {
  const [isBusy, act] = useAction();
  const verb = node.status === 'PAUSED' ? 'resume' : 'retry';
  const goOn = (): void =>
    act(async () => {
      await post(`/tasks/${node.task_id}/${verb}`);
      reload();
      return `${node.node} goes on`;
    });
  return (
    <div class={`note ${node.status === 'FAILED' ? 'error' : 'warn'}`}>
      <StatusBadge status={node.status} isScheduled={false} />{' '}
      <a href={toHref(`/tasks/${node.task_id}`)}>{node.node}</a>{' '}
      {node.error && <code>{node.error.code}</code>} <span>{node.error?.message}</span>
      {(may('tasks:write') || may('admin')) && (
        <button class="small" disabled={isBusy} onClick={goOn}>
          {verb === 'resume' ? 'Resume' : 'Retry this'}
        </button>
      )}
    </div>
  );
};

/** What keeps the rest from running, in front of everything else. */
export const FlowStops = ({ flow, reload }: { flow: FlowAnswer; reload(): void }) => {
  const stops = findStops(flow);
  const shown = stops.slice(0, MAX_SHOWN);
  return (
    <>
      {shown.map((node) =>
        node.status === 'PENDING' ? (
          <Approval key={node.task_id} node={node} reload={reload} />
        ) : (
          <Stop key={node.task_id} node={node} reload={reload} />
        ),
      )}
      {stops.length > shown.length && (
        <p class="muted">And {stops.length - shown.length} more, in the list below.</p>
      )}
    </>
  );
};
