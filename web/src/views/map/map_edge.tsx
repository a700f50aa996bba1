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
  const share = errorShare(edge);
  const per_second = edge.count / seconds;
  const width = layout.compact && !lit ? 1 : Math.min(5, 1.2 + Math.log10(1 + per_second * 10));
  const kind = `${lit ? ' lit' : ''}${faint ? ' faint' : ''}${share >= 0.01 ? ' bad' : ''}`;
  return (
    <g class={`edge${kind}`}>
      <path
        d={edgePath(from, to, layout)}
        stroke-width={width}
        marker-end={layout.compact && !lit ? undefined : `url(#arrow${share >= 0.01 ? '-bad' : ''})`}
      />
      {labelled && from !== to && (
        <text x={(from.x + to.x) / 2} y={(from.y + to.y) / 2 - 5} text-anchor="middle">
          {rate(per_second)} · {duration(edge.p95_us)}
          {edge.errors > 0 && <tspan class="error-text"> · {percent(share)}</tspan>}
        </text>
      )}
    </g>
  );
}
