import type { EdgeRates } from '../../api/rates';
import { duration } from '../../format/duration';
import { percent, rate } from '../../format/number';
import { errorShare } from '../../model/graph';
import type { Box, Layout } from './layout';

export function edgePath(from: Box, to: Box, layout: Layout): string {
  const half = layout.node_width / 2;
  if (from === to) {
    const top = from.y - layout.node_height / 2;
    return `M${from.x + 20},${top} C${from.x + 44},${top - 34} ${from.x - 44},${top - 34} ${from.x - 20},${top}`;
  }
  if (to.x - from.x > layout.node_width) {
    const x1 = from.x + half;
    const x2 = to.x - half - 4;
    const bend = Math.max(24, (x2 - x1) / 2);
    return `M${x1},${from.y} C${x1 + bend},${from.y} ${x2 - bend},${to.y} ${x2},${to.y}`;
  }
  // Back, or within a rank: around the outside, so that it is told from those that go on.
  const way = to.y >= from.y ? 1 : -1;
  const y1 = from.y + (way * layout.node_height) / 2;
  const y2 = to.y - (way * layout.node_height) / 2;
  const bend = Math.max(30, Math.abs(y2 - y1) / 2);
  return `M${from.x},${y1} C${from.x + 30},${y1 + way * bend} ${to.x + 30},${y2 - way * bend} ${to.x},${y2}`;
}

/** Through all points, with round corners: a curve to each middle, bent by the point between. */
function through(from: Box, points: Box[], to: Box, layout: Layout): string {
  // Dagre ends a line where it meets the box; ends at the middle of a side are calmer.
  const side = (to.x >= from.x ? 1 : -1) * (layout.node_width / 2);
  const end = { x: to.x - side, y: to.y };
  const between = points.slice(1, -1);
  // Straight out of the box and into the other one.
  const all = [{ x: from.x + side * 1.15, y: from.y }, ...between, { x: end.x - side * 0.22, y: end.y }];
  let path = `M${from.x + side},${from.y}`;
  all.forEach((point, at) => {
    const next = all[at + 1] ?? end;
    path += ` Q${point.x},${point.y} ${(point.x + next.x) / 2},${(point.y + next.y) / 2}`;
  });
  return `${path} L${end.x},${end.y}`;
}

interface Props {
  edge: EdgeRates;
  layout: Layout;
  seconds: number;
  lit: boolean;
  faint: boolean;
  labelled: boolean;
}

export function MapEdge({ edge, layout, seconds, lit, faint, labelled }: Props) {
  const from = layout.boxes[edge.client];
  const to = layout.boxes[edge.server];
  if (!from || !to) return null;
  const way = layout.ways[`${edge.client}>${edge.server}`];
  const share = errorShare(edge);
  const per_second = edge.count / seconds;
  const width = layout.compact && !lit ? 1 : Math.min(5, 1.2 + Math.log10(1 + per_second * 10));
  const text = `${rate(per_second)} · ${duration(edge.p95_us)}`;
  const failed = edge.errors > 0 ? ` · ${percent(share)}` : '';
  const room = (text.length + failed.length) * 5.6 + 8; // of the text at 11 px
  const kind = `${lit ? ' lit' : ''}${faint ? ' faint' : ''}${share >= 0.01 ? ' bad' : ''}${edge.observed ? '' : ' unseen'}`;
  return (
    <g class={`edge${kind}`}>
      <path
        d={way ? through(from, way.points, to, layout) : edgePath(from, to, layout)}
        stroke-width={width}
        marker-end={layout.compact && !lit ? undefined : `url(#arrow${share >= 0.01 ? '-bad' : ''})`}
      />
      {labelled && from !== to && (
        <g
          transform={`translate(${way?.label.x ?? (from.x + to.x) / 2},${way?.label.y ?? (from.y + to.y) / 2})`}
        >
          <rect class="paper" x={-room / 2} y={-9} width={room} height={18} />
          <text y={4} text-anchor="middle">
            {text}
            {failed && <tspan class="error-text">{failed}</tspan>}
          </text>
        </g>
      )}
    </g>
  );
}
