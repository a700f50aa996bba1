import { useState } from 'preact/hooks';
import { duration } from '../../format/duration';
import { count } from '../../format/number';
import { hueStyle } from '../../model/colour';
import type { Summary } from '../../model/summary';
import { linkTo } from '../../route';
import { ServiceName, Time } from '../../ui/names';

export type Order = 'time' | 'duration' | 'spans';
const kMostDots = 8;
const kFirst = 100; // rows; the rest on demand: the eye picks from the scatter

function inOrder(traces: Summary[], order: Order): Summary[] {
  const key = { time: 'start_us', duration: 'duration_us', spans: 'spans' } as const;
  return [...traces].sort((one, other) => other[key[order]] - one[key[order]]);
}

function Dots({ names }: { names: string[] }) {
  return (
    <span class="dots" title={names.join('\n')}>
      {names.slice(0, kMostDots).map((name) => (
        <span key={name} class="dot" style={hueStyle(name)} />
      ))}
      <span class="dim">{names.length}</span>
    </span>
  );
}

function Row({ trace, length }: { trace: Summary; length: number }) {
  return (
    <tr>
      <td class="num dim">
        <Time us={trace.start_us} />
      </td>
      <td class="what">
        <a href={linkTo(`/trace/${trace.id}`)}>
          <ServiceName name={trace.service} />{' '}
          {trace.answered && (
            <>
              <span class="dim">→</span> <ServiceName name={trace.answered.service} />{' '}
            </>
          )}
          <span class="operation">{trace.answered?.operation ?? trace.operation}</span>
        </a>
        {trace.partial && (
          <span class="pill warn" title="The span at its top, or what joins its parts, is not in the store">
            partial
          </span>
        )}
      </td>
      <td>
        {trace.errors > 0 ? (
          <span class="pill bad">
            {trace.status ? `${trace.status} · ` : ''}
            {count(trace.errors)} failed
          </span>
        ) : (
          trace.status && <span class="pill">{trace.status}</span>
        )}
      </td>
      <td class="num">{count(trace.spans)}</td>
      <td>
        <Dots names={trace.services} />
      </td>
      <td class="num">{duration(trace.duration_us)}</td>
      <td class="length">
        <span class={trace.errors ? 'bar bad' : 'bar'} style={{ width: `${length * 100}%` }} />
      </td>
    </tr>
  );
}

export function TraceList({
  traces,
  order,
  onOrder,
}: {
  traces: Summary[];
  order: Order;
  onOrder: (order: Order) => void;
}) {
  const [all, setAll] = useState(false);
  // On the scatter's logarithmic scale: one trace of a minute leaves the others their differences.
  const logs = traces.map((trace) => Math.log(Math.max(1, trace.duration_us)));
  const low = Math.min(...logs) - 0.5;
  const high = Math.max(...logs);
  const length = (trace: Summary) => (Math.log(Math.max(1, trace.duration_us)) - low) / (high - low);
  const heading = (key: Order, text: string, more = '') => (
    <th class={more} aria-sort={order === key ? 'descending' : undefined}>
      <button type="button" onClick={() => onOrder(key)}>
        {text}
        {order === key ? ' ↓' : ''}
      </button>
    </th>
  );
  const rows = inOrder(traces, order);
  const shown = all ? rows : rows.slice(0, kFirst);
  return (
    <div class="card scroll-x">
      <table class="table trace-list">
        <thead>
          <tr>
            {heading('time', 'Started', 'num')}
            <th>Trace</th>
            <th>Status</th>
            {heading('spans', 'Spans', 'num')}
            <th>Services</th>
            {heading('duration', 'Duration', 'num')}
            <th>
              <span class="sr-only">Length</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((trace) => (
            <Row key={trace.id} trace={trace} length={length(trace)} />
          ))}
        </tbody>
      </table>
      {rows.length > shown.length && (
        <div class="more">
          <button class="button small" type="button" onClick={() => setAll(true)}>
            Show the other {count(rows.length - shown.length)}
          </button>
        </div>
      )}
    </div>
  );
}
