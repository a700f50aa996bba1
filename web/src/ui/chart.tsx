// A line chart over time, drawn by uPlot. Dragging over it narrows the time range of the page.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { inUtc, moment, timeLabel } from '../format/time';
import { colour } from '../model/colour';
import { change } from '../route';
import { useTheme } from '../theme';
import { useSize } from './use_size';

export interface Line {
  name: string;
  /** A colour of the style sheet. */
  colour: string;
  values: (number | null)[];
  fill?: boolean;
}

interface Props {
  label: string;
  t_s: number[];
  step_s: number;
  lines: Line[];
  format: (value: number) => string;
  height?: number;
}

const kSync = 'service'; // charts that share a cursor

function alpha(rgb: string, share: number): string {
  return `color-mix(in oklab, ${rgb} ${share * 100}%, transparent)`;
}

function axis(format: (value: number) => string): uPlot.Axis {
  return {
    stroke: colour('--text-3'),
    font: '11px Inter, sans-serif',
    size: 62,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    values: (_, splits) => splits.map((value) => format(value)),
  };
}

function options(props: Props, width: number): uPlot.Options {
  const utc = inUtc();
  return {
    width,
    height: props.height ?? 180,
    padding: [10, 12, 0, 0],
    tzDate: (ts) => (utc ? uPlot.tzDate(new Date(ts * 1000), 'Etc/UTC') : new Date(ts * 1000)),
    cursor: { sync: { key: kSync }, drag: { x: true, y: false, dist: 5 }, points: { size: 6 } },
    legend: { show: false },
    scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] } },
    axes: [
      {
        stroke: colour('--text-3'),
        font: '11px Inter, sans-serif',
        grid: { show: false },
        ticks: { stroke: colour('--line'), size: 4 },
        size: 28,
        values: (_, splits) => {
          const span = ((splits.at(-1) ?? 0) - (splits[0] ?? 0)) * 1e6;
          return splits.map((t) => timeLabel(t * 1e6, span));
        },
      },
      axis(props.format),
    ],
    series: [
      {},
      ...props.lines.map((line): uPlot.Series => {
        const stroke = colour(line.colour);
        return {
          label: line.name,
          stroke,
          width: 1.6,
          points: { show: props.t_s.length < 3, size: 5, fill: stroke },
          ...(line.fill ? { fill: alpha(stroke, 0.14) } : {}),
        };
      }),
    ],
    hooks: {
      setSelect: [
        (plot) => {
          if (plot.select.width < 5) return;
          const start = plot.posToVal(plot.select.left, 'x');
          const end = plot.posToVal(plot.select.left + plot.select.width, 'x');
          change({ range: null, start: Math.round(start * 1e6), end: Math.round(end * 1e6) });
        },
      ],
    },
  };
}

export function Chart(props: Props) {
  const [box, width] = useSize();
  const { dark } = useTheme();
  const values = useRef<HTMLDivElement>(null);
  const data: uPlot.AlignedData = [props.t_s, ...props.lines.map((line) => line.values)];
  const latest = useRef(props);
  latest.current = props;
  const plot = useRef<uPlot | null>(null);
  const shape = props.lines.map((line) => line.name).join('|');
  const utc = inUtc();

  useEffect(() => {
    if (!box.current || width === 0) return;
    const made = new uPlot(options(latest.current, width), data, box.current);
    const tell = () => {
      const at = made.cursor.idx;
      const { lines, format, t_s } = latest.current;
      const spans = values.current?.children ?? [];
      lines.forEach((line, number) => {
        const value = at === null || at === undefined ? null : (line.values[at] ?? null);
        const place = spans[number]?.querySelector('b');
        if (place) place.textContent = value === null ? '' : format(value);
      });
      const time = values.current?.parentElement?.querySelector('.chart-time');
      if (time) time.textContent = at === null || at === undefined ? '' : moment((t_s[at] ?? 0) * 1e6, 0);
    };
    (made.hooks.setCursor ??= []).push(tell);
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = null;
    };
  }, [width, dark, shape, utc]);
  useEffect(() => plot.current?.setData(data));

  return (
    <div class="chart">
      <div class="chart-legend">
        <h2>{props.label}</h2>
        <div class="chart-values" ref={values}>
          {props.lines.map((line) => (
            <span key={line.name}>
              <i style={{ background: `var(${line.colour})` }} />
              {line.name} <b />
            </span>
          ))}
        </div>
        <span class="chart-time" />
      </div>
      <div ref={box} class="chart-plot" />
    </div>
  );
}
