import type { FlowDetail, FlowNodeView } from '../../domain/flow-view.ts';
import { describeNode } from '../flows.ts';
import { formatDuration } from '../format.ts';
import { toHref } from '../router.ts';
import { useNow } from '../hooks.ts';
import { StatusBadge } from './ui.tsx';

/** The tasks of a list node, each as a mark. */
const Items = ({ node }: { node: FlowNodeView }) =>
  node.items === null || node.items.length === 0 ? null : (
    <details class="flow-items">
      <summary>{node.items.length} tasks</summary>
      <div class="flow-marks">
        {node.items.map(({ task_id, item, status }) => (
          <a
            key={task_id}
            class={`flow-mark ${status.toLowerCase()}`}
            href={toHref(`/tasks/${task_id}`)}
            aria-label={`Item ${item}, ${status.toLowerCase()}`}
            title={`${item}: ${status.toLowerCase()}`}
          />
        ))}
      </div>
    </details>
  );

const Took = ({ node }: { node: FlowNodeView }) => {
  const now = useNow();
  if (node.started_at === null) return <>–</>;
  const end = node.completed_at === null ? now : Date.parse(node.completed_at);
  return <>{formatDuration(Math.max(0, end - Date.parse(node.started_at)) / 1_000)}</>;
};

/** The nodes of a flow as a list, in the order in which they run. */
export const FlowList = ({ flow }: { flow: FlowDetail }) => (
  <div class="scroll" tabIndex={0} role="region" aria-label="Tasks of the flow">
    <table class="stacked unbroken">
      <thead>
        <tr>
          <th scope="col">Task</th>
          <th scope="col">Status</th>
          <th scope="col">After</th>
          <th scope="col">Took</th>
        </tr>
      </thead>
      <tbody>
        {flow.nodes.map((node) => (
          <tr key={node.task_id}>
            <td data-label="Task" class="broken">
              <a href={toHref(`/tasks/${node.task_id}`)}>{node.node}</a>{' '}
              <span class="muted">{node.type}</span>
              <Items node={node} />
            </td>
            <td data-label="Status" class="broken">
              <StatusBadge status={node.status} isScheduled={false} />{' '}
              <span class="muted">{node.error?.message ?? describeNode(node)}</span>
            </td>
            <td data-label="After" class="broken">
              {node.after.length === 0 ? '–' : node.after.join(', ')}
            </td>
            <td data-label="Took">
              <Took node={node} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);
