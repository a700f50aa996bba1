// How many exchanges took how long, over time: the stronger the colour, the more. A click asks for the traces of that cell.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Series } from '../../api/rates';
import { duration } from '../../format/duration';
import { count } from '../../format/number';
import { clock, timeLabel, timeTicks } from '../../format/time';
import { heatOf, type Heat } from '../../model/buckets';
import { colour } from '../../model/colour';
import type { Range } from '../../range';
import { go, linkTo } from '../../route';
import { useTheme } from '../../theme';
import { useSize } from '../../ui/use_size';

const kHeight = 200;
const kLeft = 62;
const kRight = 12;
const kTop = 8;
const kBottom = 26;

interface Cell {
  t_s: number;
  from_us: number;
  to_us: number;
  times: number;
}

interface Frame {
  start_s: number;
  end_s: number;
  width: number;
}

function columnAt(frame: Frame, t_s: number): number {
  return kLeft + ((t_s - frame.start_s) / (frame.end_s - frame.start_s)) * (frame.width - kLeft - kRight);
}

function paint(canvas: HTMLCanvasElement, series: Series, heat: Heat, frame: Frame): void {
  const scale = window.devicePixelRatio || 1;
  canvas.width = frame.width * scale;
  canvas.height = kHeight * scale;
  const context = canvas.getContext('2d');
  if (!context) return;
  context.scale(scale, scale);
  const high = colour('--heat-high');
  const low = colour('--heat-low');
  const tall = (kHeight - kTop - kBottom) / heat.rows.length;
  series.points.forEach((point, at) => {
    const left = Math.max(kLeft, columnAt(frame, point.t_s));
    const right = Math.min(frame.width - kRight, columnAt(frame, point.t_s + series.step_s));
    if (right <= left) return;
    heat.cells[at]?.forEach((times, row) => {
      if (times === 0) return;
      const share = Math.sqrt(times / heat.most) * 100;
      context.fillStyle = `color-mix(in oklab, ${high} ${share.toFixed(1)}%, ${low})`;
      const top = kHeight - kBottom - (row + 1) * tall;
      context.fillRect(
        left,
        top,
        Math.max(1, right - left - (right - left > 4 ? 1 : 0)),
        Math.max(1, tall - 1),
      );
    });
  });
}

export function HeatMap({
  series,
  range,
  of,
}: {
  series: Series;
  range: Range;
  of: { service: string; operation: string };
}) {
  const [box, width] = useSize();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [over, setOver] = useState<{ cell: Cell; x: number; y: number } | null>(null);
  const { dark } = useTheme();
  const heat = heatOf(series);
  const frame: Frame = { start_s: range.start_us / 1e6, end_s: range.end_us / 1e6, width };
  useEffect(() => {
    if (canvas.current && heat && width > 0) paint(canvas.current, series, heat, frame);
  }, [series, width, dark, range.start_us, range.end_us]);

  const cellAt = (event: PointerEvent | MouseEvent): Cell | null => {
    if (!heat) return null;
    const place = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const x = event.clientX - place.left;
    const y = event.clientY - place.top;
    const t_s = frame.start_s + ((x - kLeft) / (width - kLeft - kRight)) * (frame.end_s - frame.start_s);
    const row = Math.floor((kHeight - kBottom - y) / ((kHeight - kTop - kBottom) / heat.rows.length));
    const at = series.points.findIndex((point) => t_s >= point.t_s && t_s < point.t_s + series.step_s);
    const found = heat.rows[row];
    const times = heat.cells[at]?.[row] ?? 0;
    if (!found || times === 0) return null;
    return { t_s: series.points[at]?.t_s ?? 0, from_us: found.from_us, to_us: found.to_us, times };
  };
  const choose = (event: MouseEvent) => {
    const cell = cellAt(event);
    if (!cell) return;
    go(
      linkTo('/search', {
        service: of.service,
        operation: of.operation,
        min: `${Math.floor(cell.from_us)}us`,
        max: `${Math.ceil(cell.to_us)}us`,
        range: null,
        start: cell.t_s * 1e6,
        end: (cell.t_s + series.step_s) * 1e6,
      }),
    );
  };
  const rows = heat?.rows ?? [];
  const tall = (kHeight - kTop - kBottom) / Math.max(1, rows.length);
  const every = Math.max(1, Math.round(rows.length / 5));
  return (
    <div class="heat" ref={box}>
      <canvas
        ref={canvas}
        style={{ width: `${width}px`, height: `${kHeight}px` }}
        role="img"
        aria-label="Heat map of durations over time"
        onPointerMove={(event) => {
          const cell = cellAt(event);
          const place = event.currentTarget.getBoundingClientRect();
          setOver(cell ? { cell, x: event.clientX - place.left, y: event.clientY - place.top } : null);
        }}
        onPointerLeave={() => setOver(null)}
        onClick={choose}
      />
      <svg class="heat-axes" width={width} height={kHeight} aria-hidden="true">
        {rows.map(
          (row, at) =>
            at % every === 0 && (
              <text key={at} x={kLeft - 8} y={kHeight - kBottom - at * tall + 4} text-anchor="end">
                {duration(row.from_us)}
              </text>
            ),
        )}
        {width > 0 &&
          timeTicks(range.start_us, range.end_us, Math.max(2, width / 140)).map((tick) => (
            <text key={tick} x={columnAt(frame, tick / 1e6)} y={kHeight - 8} text-anchor="middle">
              {timeLabel(tick, range.end_us - range.start_us)}
            </text>
          ))}
      </svg>
      {over && (
        <div
          class="scatter-tip"
          style={{ left: `${Math.min(over.x + 14, width - 230)}px`, top: `${Math.max(0, over.y - 60)}px` }}
        >
          <strong>{count(over.cell.times)}</strong> took {duration(over.cell.from_us)} –{' '}
          {duration(over.cell.to_us)}
          <br />
          <span class="dim">from {clock(over.cell.t_s * 1e6, 0)} on; click for the traces</span>
        </div>
      )}
    </div>
  );
}
