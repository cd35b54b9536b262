import { useEffect, useState } from 'preact/hooks';
import type { FlowDetail, FlowNodeView } from '../../domain/flow-view.ts';
import { describeNode } from '../flows.ts';
import { layOut, NODE, type FlowLayout } from '../flow-layout.ts';
import { toWords } from '../format.ts';
import { toHref } from '../router.ts';
import { ErrorNote, Skeleton } from './ui.tsx';

/** A place in pixels. */
const toBox = (box: Record<string, number>): Record<string, string> =>
  Object.fromEntries(Object.entries(box).map(([name, value]) => [name, `${value}px`]));

const Node = ({ node, place }: { node: FlowNodeView; place: { x: number; y: number } }) => {
  const note = describeNode(node);
  return (
    <a
      class={`flow-node ${node.status.toLowerCase()} ${node.waits_for > 0 ? 'blocked' : ''}`}
      href={toHref(`/tasks/${node.task_id}`)}
      title={node.error?.message ?? node.title ?? node.type}
      style={toBox({ left: place.x, top: place.y, ...NODE })}
      onFocus={({ currentTarget }) =>
        currentTarget.scrollIntoView({ block: 'nearest', inline: 'nearest' })
      }
    >
      <span class="flow-node-name">
        {node.node}
        <span class="hidden">, {toWords(node.status)},</span>
      </span>
      <span class="flow-node-note">
        {node.type}
        {note !== '' && ` · ${note}`}
      </span>
      {node.after.length > 0 && <span class="hidden">after {node.after.join(', ')}</span>}
    </a>
  );
};

/** The graph of a flow: its nodes as links, in the order in which they run. */
export const FlowGraph = ({ flow }: { flow: FlowDetail }) => {
  const [layout, setLayout] = useState<FlowLayout | null>(null);
  const [error, setError] = useState<Error | null>(null);
  // Its shape never changes: what its nodes say does.
  useEffect(() => void layOut(flow.nodes).then(setLayout, setError), [flow.flow_id]);
  if (error) return <ErrorNote error={error} />;
  if (!layout) return <Skeleton rows={6} />;
  const byName = new Map(flow.nodes.map((node) => [node.node, node]));
  return (
    <div class="flow-graph" role="region" aria-label="Graph" tabIndex={0}>
      <div class="flow-canvas" style={toBox({ width: layout.width, height: layout.height })}>
        <svg width={layout.width} height={layout.height} aria-hidden="true">
          {layout.edges.map(({ before, after, path }) => (
            <path
              key={`${before} ${after}`}
              class={`flow-edge ${byName.get(before)?.status.toLowerCase() ?? ''}`}
              d={path}
            />
          ))}
        </svg>
        {flow.nodes.map((node) => {
          const place = layout.places.get(node.node);
          return place && <Node key={node.task_id} node={node} place={place} />;
        })}
      </div>
    </div>
  );
};
