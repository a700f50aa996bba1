import { duration } from '../../format/duration';
import { percent, rate } from '../../format/number';
import { hueStyle } from '../../model/colour';
import { errorShare, type Node } from '../../model/graph';
import { linkHere } from '../../route';
import type { Layout } from './layout';

interface Props {
  node: Node;
  layout: Layout;
  seconds: number;
  focused: boolean;
  faint: boolean;
  onOver: (name: string | null) => void;
}

/** So many letters of the page's font fit; SVG does not cut by itself. */
function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

export function describe(node: Node, seconds: number): string {
  if (!node.observed) return `${node.name}: not observed, known by its callers alone`;
  if (!node.rates) return `${node.name}: answers nothing that was seen, calls others`;
  const { rates } = node;
  return `${node.name}: ${rate(rates.count / seconds)}, ${percent(errorShare(rates))} failed, p95 ${duration(rates.p95_us)}`;
}

export function MapNode({ node, layout, seconds, focused, faint, onOver }: Props) {
  const box = layout.boxes[node.name];
  if (!box) return null;
  const { node_width: width, node_height: height, compact } = layout;
  const share = node.rates ? errorShare(node.rates) : 0;
  const kind = `node${focused ? ' focused' : ''}${faint ? ' faint' : ''}${share >= 0.05 ? ' bad' : share >= 0.01 ? ' poor' : ''}${compact ? ' compact' : ''}${node.observed ? '' : ' unseen'}`;
  return (
    <g transform={`translate(${box.x - width / 2},${box.y - height / 2})`}>
      <title>{describe(node, seconds)}</title>
      <a
        class={kind}
        style={hueStyle(node.name)}
        href={linkHere({ focus: focused ? null : node.name })}
        onPointerEnter={() => onOver(node.name)}
        onPointerLeave={() => onOver(null)}
        onFocus={() => onOver(node.name)}
        onBlur={() => onOver(null)}
      >
        <rect class="body" width={width} height={height} rx={compact ? 4 : 8} />
        <rect
          class="stripe"
          x={compact ? 4 : 10}
          y={compact ? 5 : 13}
          width={compact ? 3 : 4}
          height={compact ? height - 10 : 17}
          rx={1.5}
        />
        <text class="name" x={compact ? 12 : 21} y={compact ? 15 : 26}>
          {cut(node.name, compact ? 17 : 23)}
        </text>
        {!compact && (
          <text class="numbers" x={21} y={46}>
            {node.rates ? (
              <>
                {rate(node.rates.count / seconds)}
                <tspan dx="8" class={node.rates.errors > 0 ? 'error-text' : ''}>
                  {percent(share)}
                </tspan>
                <tspan dx="8">p95 {duration(node.rates.p95_us)}</tspan>
              </>
            ) : node.observed ? (
              'calls only'
            ) : (
              'not observed'
            )}
          </text>
        )}
      </a>
    </g>
  );
}
