import type { FlowDetail } from '../domain/flow-view.ts';

/** The size of a node, in pixels. */
export const NODE = { width: 190, height: 52 } as const;

export interface FlowLayout {
  width: number;
  height: number;
  /** The left upper corner of each node, by its name. */
  places: Map<string, { x: number; y: number }>;
  /** Paths of SVG, each with the nodes that it joins. */
  edges: { before: string; after: string; path: string }[];
}

interface Point {
  x: number;
  y: number;
}

/** From the right side of a node, by what keeps clear of others, to the left side of the next. */
const toPath = (from: Point, bends: readonly Point[], to: Point): string => {
  let last = from;
  const curves = [...bends, to].map((next) => {
    const half = (next.x - last.x) / 2;
    const curve = `C ${last.x + half} ${last.y} ${next.x - half} ${next.y} ${next.x} ${next.y}`;
    last = next;
    return curve;
  });
  return [`M ${from.x} ${from.y}`, ...curves].join(' ');
};

/** Where each node of a flow is drawn: from left to right, each after those that it waits for. */
export const layOut = async (nodes: FlowDetail['nodes']): Promise<FlowLayout> => {
  const { graphlib, layout } = await import('@dagrejs/dagre');
  const begun = performance.now();
  const graph = new graphlib.Graph();
  graph.setGraph({
    rankdir: 'LR',
    ranker: 'tight-tree',
    nodesep: 18,
    ranksep: 56,
    marginx: 8,
    marginy: 8,
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { node } of nodes) graph.setNode(node, { ...NODE });
  for (const { node, after } of nodes) for (const before of after) graph.setEdge(before, node);
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const places = new Map(
    nodes.map(({ node }) => {
      const { x, y } = graph.node(node) as Point;
      return [node, { x: x - NODE.width / 2, y: y - NODE.height / 2 }];
    }),
  );
  const edges = graph.edges().map((edge: { v: string; w: string }) => {
    const { points = [] } = graph.edge(edge) as { points?: Point[] };
    const [before, after] = [graph.node(edge.v) as Point, graph.node(edge.w) as Point];
    // Of neighbours there is one point between them, which no line need pass.
    const bends = points.length > 3 ? points.slice(1, -1) : [];
    const start = { x: before.x + NODE.width / 2, y: before.y };
    const end = { x: after.x - NODE.width / 2, y: after.y };
    return { before: edge.v, after: edge.w, path: toPath(start, bends, end) };
  });
  performance.measure('flow layout', { start: begun, end: performance.now() });
  return { width, height, places, edges };
};
