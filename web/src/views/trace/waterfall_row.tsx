import { duration } from '../../format/duration';
import { count } from '../../format/number';
import { hueStyle } from '../../model/colour';
import type { Stretch } from '../../model/critical_path';
import type { Span, Trace } from '../../model/trace';
import { Icon } from '../../ui/icons';
import type { Window } from './window';

export const kRowHeight = 28; // px, as in trace.css
const kIndent = 14;
const kMostIndent = 18; // levels; below them the number tells how deep

interface Props {
  trace: Trace;
  span: Span;
  row: number;
  window: Window;
  path: Stretch[] | undefined;
  selected: boolean;
  closed: boolean;
  found: boolean | null;
  warning: string | null;
  onSelect: (span: Span) => void;
  onToggle: (span: Span) => void;
}

function share(us: number, trace: Trace, window: Window): number {
  return ((us - trace.start_us - window.from_us) / (window.to_us - window.from_us)) * 100;
}

function Bar({ trace, span, window, path }: Props) {
  const left = share(span.start_us, trace, window);
  const right = share(span.end_us, trace, window);
  const shown = right >= 0 && left <= 100;
  const from = Math.max(0, left);
  const to = Math.min(100, right);
  const length = `max(2px, ${to - from}%)`;
  // The text stands where there is room: behind the bar, before it, or on it.
  const place = to < 86 ? 'behind' : from > 14 ? 'before' : 'inside';
  const at =
    place === 'behind'
      ? { left: `calc(${to}% + 6px)` }
      : place === 'before'
        ? { right: `calc(${100 - from}% + 6px)` }
        : { left: `calc(${from}% + 6px)` };
  return (
    <div class="lane">
      {shown && (
        <div class={span.error ? 'span-bar bad' : 'span-bar'} style={{ left: `${from}%`, width: length }} />
      )}
      {shown &&
        path?.map((stretch) => {
          const begin = Math.max(0, share(stretch.from_us, trace, window));
          const end = Math.min(100, share(stretch.to_us, trace, window));
          if (end < begin) return null;
          return (
            <div
              key={stretch.from_us}
              class="path-bar"
              style={{ left: `${begin}%`, width: `max(1px, ${end - begin}%)` }}
            />
          );
        })}
      {shown ? (
        <span class={`span-time ${place}`} style={at}>
          {duration(span.duration_us)}
        </span>
      ) : (
        <span class="span-time behind" style={right < 0 ? { left: '4px' } : { right: '4px' }}>
          <span aria-hidden="true">{right < 0 ? '◂' : '▸'}</span>
          <span class="sr-only">{duration(span.duration_us)}</span>
        </span>
      )}
    </div>
  );
}

export function WaterfallRow(props: Props) {
  const { trace, span, row, selected, closed, found, warning } = props;
  const status = span.status && span.status !== '200' && span.status !== 'OK' ? span.status : '';
  return (
    <div
      id={`span-${span.index}`}
      role="treeitem"
      class={`row${selected ? ' selected' : ''}${found === false ? ' faint' : ''}`}
      style={{ transform: `translateY(${row * kRowHeight}px)`, ...hueStyle(span.service) }}
      aria-level={span.depth + 1}
      aria-setsize={(span.parent?.children ?? trace.roots).length}
      aria-posinset={span.position + 1}
      aria-expanded={span.below > 0 ? !closed : undefined}
      aria-selected={selected}
      onClick={() => props.onSelect(span)}
    >
      <div class="name" style={{ paddingLeft: `${10 + Math.min(span.depth, kMostIndent) * kIndent}px` }}>
        {span.depth > kMostIndent && <span class="deep">{span.depth}</span>}
        <span
          class={span.below > 0 ? 'twist' : 'twist none'}
          onClick={(event) => {
            event.stopPropagation();
            props.onToggle(span);
          }}
        >
          {span.below > 0 && <Icon name={closed ? 'right' : 'down'} size={12} />}
        </span>
        <span class="edge" />
        <span class="service">{span.service}</span>
        <span class="operation">{span.operation}</span>
        <span class="marks">
          {closed && <span class="pill">+{count(span.below)}</span>}
          {(span.error || status) && (
            <span class={span.error ? 'pill bad' : 'pill'}>{status || 'error'}</span>
          )}
          {warning && (
            <span class="warning" title={warning}>
              <Icon name="warn" size={14} />
              <span class="sr-only">{warning}</span>
            </span>
          )}
        </span>
      </div>
      <Bar {...props} />
    </div>
  );
}
