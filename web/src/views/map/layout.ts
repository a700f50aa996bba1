// Where services stand: callers to the left of whom they call. Dagre decides ranks and order; with few services its
// places are taken as they are, with many each rank is packed into columns, so that hundreds of names fit a screen.
import { graphlib, layout as dagre } from '@dagrejs/dagre';

export interface Shape {
  nodes: string[];
  edges: [string, string][];
}

export interface Box {
  x: number; // of its middle
  y: number;
}

export interface Layout {
  compact: boolean;
  node_width: number;
  node_height: number;
  width: number;
  height: number;
  boxes: Record<string, Box>;
  /** By "client>server", in the large form alone: the way around other boxes, and where there is room for a text. */
  ways: Record<string, { points: Box[]; label: Box }>;
}

export const kMostLarge = 40; // services; with more the boxes are names alone
const large = { width: 196, height: 60, rank: 24, row: 30, label_width: 136, label_height: 18 };
const small = { width: 116, height: 22, rank: 56, row: 8, column: 10, label_width: 0, label_height: 0 };

interface Placed {
  name: string;
  x: number;
  y: number;
}

type Sizes = Omit<typeof large, 'column'>;

function run(shape: Shape, size: Sizes): graphlib.Graph {
  const graph = new graphlib.Graph();
  graph.setGraph({
    rankdir: 'LR',
    ranksep: size.rank,
    nodesep: size.row,
    edgesep: 14,
    marginx: 20,
    marginy: 20,
    acyclicer: 'greedy',
  });
  for (const name of shape.nodes) graph.setNode(name, { width: size.width, height: size.height });
  for (const [client, server] of shape.edges) {
    if (client !== server)
      graph.setEdge(client, server, { width: size.label_width, height: size.label_height, labelpos: 'c' });
  }
  dagre(graph);
  return graph;
}

function placed(shape: Shape, graph: graphlib.Graph): Placed[] {
  return shape.nodes.map((name) => {
    const node = graph.node(name) as { x: number; y: number };
    return { name, x: node.x, y: node.y };
  });
}

function columnsOf(ranks: Placed[][], rows: number): number {
  return ranks.reduce((sum, rank) => sum + Math.ceil(rank.length / rows), 0);
}

/** So many rows that the whole fits best into an area of that aspect. */
function bestRows(ranks: Placed[][], aspect: number): number {
  const most = Math.max(...ranks.map((rank) => rank.length));
  let best = most;
  let least = Infinity;
  for (let rows = Math.min(6, most); rows <= most; rows++) {
    const width = columnsOf(ranks, rows) * (small.width + small.column) + ranks.length * small.rank;
    const height = rows * (small.height + small.row);
    const size = Math.max(width / aspect, height);
    if (size < least) {
      least = size;
      best = rows;
    }
  }
  return best;
}

function pack(all: Placed[], aspect: number): Layout {
  const byRank = new Map<number, Placed[]>();
  for (const one of all) {
    const rank = Math.round(one.x);
    const same = byRank.get(rank);
    if (same) same.push(one);
    else byRank.set(rank, [one]);
  }
  const ranks = [...byRank]
    .sort(([one], [other]) => one - other)
    .map(([, rank]) => rank.sort((a, b) => a.y - b.y));
  const rows = bestRows(ranks, aspect);
  const step = small.height + small.row;
  const boxes: Record<string, Box> = {};
  let left = 20;
  for (const rank of ranks) {
    const columns = Math.ceil(rank.length / rows);
    const each = Math.ceil(rank.length / columns);
    rank.forEach((one, at) => {
      const column = Math.floor(at / each);
      const inColumn = Math.min(each, rank.length - column * each);
      boxes[one.name] = {
        x: left + column * (small.width + small.column) + small.width / 2,
        y: 20 + ((rows - inColumn) / 2 + (at % each) + 0.5) * step,
      };
    });
    left += columns * (small.width + small.column) - small.column + small.rank;
  }
  return {
    compact: true,
    node_width: small.width,
    node_height: small.height,
    width: left - small.rank + 20,
    height: rows * step + 40,
    boxes,
    ways: {},
  };
}

export function layOut(shape: Shape, aspect: number): Layout {
  if (shape.nodes.length > kMostLarge) return pack(placed(shape, run(shape, small)), aspect);
  const graph = run(shape, large);
  const boxes: Layout['boxes'] = {};
  for (const { name, x, y } of placed(shape, graph)) boxes[name] = { x, y };
  const ways: Layout['ways'] = {};
  for (const { v, w } of graph.edges()) {
    const edge = graph.edge(v, w) as unknown as { points: Box[]; x: number; y: number };
    ways[`${v}>${w}`] = { points: edge.points, label: { x: edge.x, y: edge.y } };
  }
  const size = graph.graph() as { width?: number; height?: number };
  return {
    compact: false,
    node_width: large.width,
    node_height: large.height,
    width: size.width ?? 1,
    height: size.height ?? 1,
    boxes,
    ways,
  };
}
