// Traces as points: when they began, how long they took (on a logarithmic scale). A point is a link to its trace; the
// table below says the same in words.
import { useState } from 'preact/hooks';
import { duration } from '../../format/duration';
import { count } from '../../format/number';
import { timeLabel, timeTicks } from '../../format/time';
import { hueStyle } from '../../model/colour';
import type { Summary } from '../../model/summary';
import type { Range } from '../../range';
import { go, linkTo } from '../../route';
import { useSize } from '../../ui/use_size';

const kHeight = 190;
const kLeft = 62;
const kRight = 20;
const kTop = 14;
const kBottom = 26;

/** Round durations between two: 1, 10, 100 ..., with 3s in between where there is room. */
function durationTicks(low: number, high: number): number[] {
  const ticks: number[] = [];
  for (let power = 0; power <= 11; power++) {
    for (const digit of high / low < 50 ? [1, 2, 5] : [1]) {
      const tick = digit * 10 ** power;
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks.length > 6 ? ticks.filter((_, at) => at % 2 === 0) : ticks;
}

export function Scatter({ traces, range }: { traces: Summary[]; range: Range }) {
  const [box, width] = useSize();
  const [over, setOver] = useState<Summary | null>(null);
  const first = traces.reduce((least, trace) => Math.min(least, trace.start_us), Infinity);
  const last = traces.reduce((most, trace) => Math.max(most, trace.start_us), -Infinity);
  // All of the range, unless the traces fill a small part of it only.
  const crowded = last - first < (range.end_us - range.start_us) / 8;
  const pad = Math.max((last - first) * 0.04, 1e5);
  const start = crowded ? first - pad : Math.min(range.start_us, first);
  const end = crowded ? last + pad : Math.max(range.end_us, last);
  const durations = traces.map((trace) => Math.max(1, trace.duration_us));
  const low = Math.max(0.8, Math.min(...durations) / 1.6);
  const high = Math.max(...durations) * 1.6;
  const x = (us: number) => kLeft + ((us - start) / (end - start)) * (width - kLeft - kRight);
  const y = (us: number) =>
    kTop + (1 - Math.log(Math.max(1, us) / low) / Math.log(high / low)) * (kHeight - kTop - kBottom);
  return (
    <div class="scatter" ref={box}>
      {width > 0 && (
        <svg
          width={width}
          height={kHeight}
          role="group"
          aria-label={`${traces.length} traces by time and duration`}
        >
          {durationTicks(low, high).map((tick) => (
            <g key={tick} class="grid">
              <line x1={kLeft} x2={width - kRight} y1={y(tick)} y2={y(tick)} />
              <text x={kLeft - 8} y={y(tick) + 4} text-anchor="end">
                {duration(tick)}
              </text>
            </g>
          ))}
          {timeTicks(start, end, Math.max(2, width / 130)).map((tick) => (
            <text key={tick} class="axis" x={x(tick)} y={kHeight - 8} text-anchor="middle">
              {timeLabel(tick, end - start)}
            </text>
          ))}
          {traces.map((trace) => (
            <circle
              key={trace.id}
              class={trace.errors ? 'point bad' : 'point'}
              style={hueStyle(trace.answered?.service ?? trace.service)}
              cx={x(trace.start_us)}
              cy={y(trace.duration_us)}
              r={Math.min(9, 3.5 + Math.log10(trace.spans + 1) * 1.3)}
              onPointerEnter={() => setOver(trace)}
              onPointerLeave={() => setOver(null)}
              onClick={() => go(linkTo(`/trace/${trace.id}`))}
            />
          ))}
        </svg>
      )}
      {over && (
        <div
          class="scatter-tip"
          style={{
            left: `${Math.min(x(over.start_us), width - 260)}px`,
            top: `${Math.max(0, y(over.duration_us) - 66)}px`,
          }}
        >
          <strong>{over.answered?.service ?? over.service}</strong>{' '}
          {over.answered?.operation ?? over.operation}
          <br />
          {duration(over.duration_us)} · {count(over.spans)} spans
          {over.errors > 0 && <span class="bad"> · {count(over.errors)} failed</span>}
        </div>
      )}
    </div>
  );
}
