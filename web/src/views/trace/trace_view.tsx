import './trace.css';
import { useMemo } from 'preact/hooks';
import { trace as askTrace } from '../../api/jaeger';
import { useQuery } from '../../api/use_query';
import { duration } from '../../format/duration';
import { count } from '../../format/number';
import { criticalPath, type Stretch } from '../../model/critical_path';
import { clockDifferences, pairEnds, skewOf } from '../../model/exchange';
import { gapNotes, hasGap } from '../../model/provenance';
import { readTrace, type Span, type Trace } from '../../model/trace';
import { change, usePlace } from '../../route';
import { Icon } from '../../ui/icons';
import { Empty, Failed, Loading } from '../../ui/state';
import { useTitle } from '../../ui/title';
import { Typed } from '../../ui/typed';
import { ClockNotice } from './clock_notice';
import { Minimap } from './minimap';
import { findSpans, readClosed, visibleRows, writeClosed } from './rows';
import { SpanPanel } from './span_panel';
import { PathShares, TraceHead } from './trace_head';
import { Waterfall } from './waterfall';
import { readWindow, whole, windowChanges, zoomed, type Window } from './window';

/** What is worked out once for a trace. */
function useReading(trace: Trace) {
  return useMemo(() => {
    const path = criticalPath(trace);
    const onPath = new Map<Span, Stretch[]>();
    for (const stretch of path) {
      const known = onPath.get(stretch.span);
      if (known) known.push(stretch);
      else onPath.set(stretch.span, [stretch]);
    }
    const pairs = pairEnds(trace);
    const warnings = new Map<Span, string>();
    for (const span of trace.spans) {
      if (hasGap(span)) {
        const words = gapNotes(span).map((note) => note.word);
        if (span.missing_parent) words.push('parent missing');
        warnings.set(span, words.join(', '));
      }
    }
    for (const exchange of new Set(pairs.values())) {
      const { shift_us } = skewOf(exchange);
      if (shift_us === 0) continue;
      const before = warnings.get(exchange.server);
      warnings.set(
        exchange.server,
        `${before ? `${before}; ` : ''}clocks differ by ${duration(Math.abs(shift_us))} or more`,
      );
    }
    return { path, onPath, pairs, warnings, clocks: clockDifferences(pairs) };
  }, [trace]);
}

function Tools({ trace, window, found }: { trace: Trace; window: Window; found: Set<number> | null }) {
  const { params } = usePlace();
  const withPath = params.get('path') !== 'off';
  const zoom = (to: Window) => change(windowChanges(to, trace));
  return (
    <div class="trace-tools">
      <Typed
        label="Find in this trace"
        value={params.get('find') ?? ''}
        placeholder="name, error, key=value"
        onValue={(value, first) => change({ find: value }, first ? 'push' : 'replace')}
      />
      <span class="dim found" role="status">
        {found && `${count(found.size)} of ${count(trace.spans.length)}`}
      </span>
      <button
        class="button small"
        type="button"
        aria-pressed={withPath}
        onClick={() => change({ path: withPath ? 'off' : null })}
      >
        Critical path
      </button>
      <span class="group">
        <button
          class="button small icon"
          type="button"
          aria-label="Look closer"
          title="Look closer"
          onClick={() => zoom(zoomed(window, trace, 0.5))}
        >
          <Icon name="plus" />
        </button>
        <button
          class="button small icon"
          type="button"
          aria-label="Look from farther away"
          title="Look from farther away"
          onClick={() => zoom(zoomed(window, trace, 2))}
        >
          <Icon name="minus" />
        </button>
        <button
          class="button small icon"
          type="button"
          aria-label="Show all of the trace"
          title="Show all of the trace"
          onClick={() => zoom(whole(trace))}
        >
          <Icon name="fit" />
        </button>
      </span>
    </div>
  );
}

function Shown({ trace, notes }: { trace: Trace; notes: string[] }) {
  const { params } = usePlace();
  const reading = useReading(trace);
  useTitle(trace.roots[0] ? `${trace.roots[0].service} ${trace.roots[0].operation}` : 'Trace');
  const closedText = params.get('closed') ?? '';
  const closed = useMemo(() => readClosed(params), [closedText]);
  const rows = useMemo(() => visibleRows(trace, closed), [trace, closed]);
  const text = params.get('find') ?? '';
  const found = useMemo(() => findSpans(trace, text), [trace, text]);
  const from = params.get('from');
  const to = params.get('to');
  const window = useMemo(() => readWindow(trace, params), [trace, from, to]);
  const id = params.get('span');
  const selected = useMemo(() => {
    if (!id) return null;
    // Both ends may share an id: the address then has the row's number behind it.
    const [name, number] = id.split('.');
    const same = trace.spans.filter((span) => span.id === name);
    return same.find((span) => span.index === Number(number)) ?? same[0] ?? null;
  }, [trace, id]);
  const select = (span: Span | null, how: 'push' | 'replace' = 'push') => {
    const shared = span && trace.spans.some((other) => other !== span && other.id === span.id);
    change({ span: span && (shared ? `${span.id}.${span.index}` : span.id) }, how);
  };
  const toggle = (span: Span) => {
    const next = new Set(closed);
    if (!next.delete(span.index)) next.add(span.index);
    change({ closed: writeClosed(next) }, 'replace');
  };
  const withPath = params.get('path') !== 'off';
  return (
    <div class="trace-page">
      <TraceHead trace={trace} />
      {notes.map((note) => (
        <p key={note} class="notice">
          {note}
        </p>
      ))}
      <ClockNotice pairs={reading.clocks} />
      <div class={selected ? 'card trace-card with-panel' : 'card trace-card'}>
        <div class="trace-main">
          <div class="trace-top">
            <PathShares path={reading.path} />
            <Tools trace={trace} window={window} found={found} />
          </div>
          <Minimap trace={trace} shown={window} onWindow={(next) => change(windowChanges(next, trace))} />
          <Waterfall
            trace={trace}
            rows={rows}
            closed={closed}
            found={found}
            path={withPath ? reading.onPath : null}
            warnings={reading.warnings}
            selected={selected}
            window={window}
            onSelect={select}
            onToggle={toggle}
          />
        </div>
        {selected && (
          <SpanPanel
            trace={trace}
            span={selected}
            exchange={reading.pairs.get(selected)}
            onPath_us={(reading.onPath.get(selected) ?? []).reduce(
              (sum, one) => sum + one.to_us - one.from_us,
              0,
            )}
            onSelect={(span) => select(span)}
          />
        )}
      </div>
    </div>
  );
}

export function TraceView({ id }: { id: string }) {
  useTitle('Trace');
  const answer = useQuery(id, (signal) => askTrace(id, signal));
  const raw = answer.data?.traces[0];
  const trace = useMemo(() => (raw ? readTrace(raw) : null), [raw]);
  if (answer.error && /not found/.test(answer.error.message)) {
    return (
      <Empty heading="Trace" title="This trace is not in the store">
        <p>It may not have arrived yet, or be older than what the store keeps. Its id: {id}</p>
        <button class="button" type="button" onClick={answer.again}>
          Look again
        </button>
      </Empty>
    );
  }
  if (answer.error) return <Failed heading="Trace" error={answer.error} again={answer.again} />;
  if (!trace) return <Loading heading="Trace" what="the trace" />;
  return <Shown trace={trace} notes={answer.data?.notes ?? []} />;
}
