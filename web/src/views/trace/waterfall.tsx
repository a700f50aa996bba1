// The spans of a trace, one a row. Rows that are not in sight are not in the document, so ten thousand scroll as ten do.
import './waterfall.css';
import type { VNode } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { duration } from '../../format/duration';
import type { Stretch } from '../../model/critical_path';
import type { Span, Trace } from '../../model/trace';
import { useSize } from '../../ui/use_size';
import { kRowHeight, WaterfallRow } from './waterfall_row';
import { ticks, type Window } from './window';

const kSpare = 6; // rows kept ready above and below those in sight
const kStep = 4; // rows that are scrolled past before others are made

interface Props {
  trace: Trace;
  rows: Span[];
  closed: Set<number>;
  found: Set<number> | null;
  path: Map<Span, Stretch[]> | null;
  warnings: Map<Span, string>;
  selected: Span | null;
  window: Window;
  onSelect: (span: Span | null, how: 'push' | 'replace') => void;
  onToggle: (span: Span) => void;
}

function Ruler({ window, width }: { window: Window; width: number }) {
  return (
    <div class="ruler" aria-hidden="true">
      <div class="name">Span</div>
      <div class="lane">
        {ticks(window, Math.max(2, width / 200)).map((tick) => {
          const left = ((tick - window.from_us) / (window.to_us - window.from_us)) * 100;
          return (
            <span key={tick} class={left > 94 ? 'tick last' : 'tick'} style={{ left: `${left}%` }}>
              {duration(tick)}
            </span>
          );
        })}
      </div>
    </div>
  );
}

/** First and last row to have, for where the list is scrolled to. Changes in steps, so that most scrolling renders nothing. */
function useSight(rows: number, height: number) {
  const [first, setFirst] = useState(0);
  const onScroll = (event: Event) => {
    const top = Math.floor((event.currentTarget as HTMLElement).scrollTop / kRowHeight);
    setFirst(Math.floor(top / kStep) * kStep);
  };
  const from = Math.max(0, Math.min(first, rows) - kSpare);
  const most = kStep + Math.ceil(height / kRowHeight) + 2 * kSpare;
  const to = Math.min(rows, first + most - kSpare);
  return { from, to, most, onScroll };
}

export function Waterfall(props: Props) {
  const { trace, rows, closed, found, path, warnings, selected, window, onSelect, onToggle } = props;
  const [box, width, height] = useSize();
  const sight = useSight(rows.length, height);
  const handlers = useRef({ onSelect, onToggle });
  handlers.current = { onSelect, onToggle };
  // A row that has been made is taken again as it is, unless something that all rows show has changed.
  const made = useMemo(
    () => new Map<number, VNode>(),
    [rows, closed, found, path, warnings, window, sight.most],
  );
  const selectedRow = useMemo(() => (selected ? rows.indexOf(selected) : -1), [rows, selected]);
  const marked = useRef(-1);
  if (marked.current !== selectedRow) {
    made.delete(marked.current);
    made.delete(selectedRow);
    marked.current = selectedRow;
  }
  useEffect(() => {
    const list = box.current;
    if (selectedRow < 0 || !list) return;
    const head = 30;
    const top = selectedRow * kRowHeight;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + kRowHeight + head > list.scrollTop + list.clientHeight) {
      list.scrollTop = top + kRowHeight + head - list.clientHeight;
    }
  }, [selectedRow, height]);

  const visible: VNode[] = [];
  for (let row = sight.from; row < sight.to; row++) {
    let node = made.get(row);
    if (!node) {
      const span = rows[row] as Span;
      node = (
        <WaterfallRow
          // Elements that went out of sight are taken for rows that come into it.
          key={row % sight.most}
          trace={trace}
          span={span}
          row={row}
          window={window}
          path={path?.get(span)}
          selected={row === selectedRow}
          closed={closed.has(span.index)}
          found={found ? found.has(span.index) : null}
          warning={warnings.get(span) ?? null}
          onSelect={(one) => handlers.current.onSelect(one, 'push')}
          onToggle={(one) => handlers.current.onToggle(one)}
        />
      );
      made.set(row, node);
    }
    visible.push(node);
  }

  const move = (to: number) => {
    const span = rows[Math.max(0, Math.min(rows.length - 1, to))];
    if (span) onSelect(span, selected ? 'replace' : 'push');
  };
  const press = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(height / kRowHeight) - 2);
    const does: Record<string, () => void> = {
      ArrowDown: () => move(selectedRow + 1),
      ArrowUp: () => move(selectedRow - 1),
      PageDown: () => move(selectedRow + page),
      PageUp: () => move(selectedRow - page),
      Home: () => move(0),
      End: () => move(rows.length - 1),
      ArrowRight: () => {
        if (!selected) return;
        if (closed.has(selected.index)) onToggle(selected);
        else if (selected.below > 0) move(selectedRow + 1);
      },
      ArrowLeft: () => {
        if (!selected) return;
        if (selected.below > 0 && !closed.has(selected.index)) onToggle(selected);
        else if (selected.parent) move(rows.indexOf(selected.parent));
      },
      Escape: () => onSelect(null, 'push'),
    };
    const action = does[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  };

  return (
    <div class="waterfall" ref={box} onScroll={sight.onScroll}>
      <Ruler window={window} width={width} />
      <div
        class="rows"
        role="tree"
        tabIndex={0}
        aria-label={`${rows.length} spans`}
        aria-activedescendant={
          selectedRow >= sight.from && selectedRow < sight.to ? `span-${selected?.index}` : undefined
        }
        style={{ height: `${rows.length * kRowHeight}px` }}
        onKeyDown={press}
      >
        {visible}
      </div>
    </div>
  );
}
