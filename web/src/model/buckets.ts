// Durations by time and size: the server's buckets are finer than a picture has rows for.
import type { Series } from '../api/rates';

export interface HeatRow {
  from_us: number;
  to_us: number;
}

export interface Heat {
  /** From the shortest durations to the longest; each a constant factor longer than the one before. */
  rows: HeatRow[];
  /** For each point of the series one count a row. */
  cells: Float64Array[];
  most: number;
}

const kMostRows = 30;

export function heatOf(series: Series): Heat | null {
  let low = Infinity;
  let high = 0;
  for (const point of series.points) {
    for (const [upper, count] of point.buckets) {
      if (count <= 0) continue;
      low = Math.min(low, Math.max(1, upper));
      high = Math.max(high, Math.max(1, upper));
    }
  }
  if (high === 0) return null;
  // Three rows at least double the duration together, so that a narrow picture does not invent differences.
  const factor = Math.max(2 ** (1 / 3), (high / low) ** (1 / kMostRows));
  const count = Math.max(1, Math.floor(Math.log(high / low) / Math.log(factor) + 1e-9) + 1);
  const bottom = low / Math.sqrt(factor);
  const rows = Array.from({ length: count }, (_, at) => ({
    from_us: bottom * factor ** at,
    to_us: bottom * factor ** (at + 1),
  }));
  let most = 0;
  const cells = series.points.map((point) => {
    const column = new Float64Array(count);
    for (const [upper, times] of point.buckets) {
      const row = Math.floor(Math.log(Math.max(1, upper) / bottom) / Math.log(factor));
      const at = Math.min(count - 1, Math.max(0, row));
      column[at] = (column[at] ?? 0) + times;
    }
    for (const times of column) most = Math.max(most, times);
    return column;
  });
  return { rows, cells, most };
}

/**
 * A step that cuts so many seconds into about so many points. The store keeps 10 s apart for an hour, minutes for a day,
 * then ten minutes; a step is a multiple of what the beginning, `age_s` ago, has left.
 */
export function stepFor(seconds: number, age_s: number, points = 150): number {
  const steps = [10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400];
  const spare = 60; // until the question has arrived the beginning is older
  const finest = age_s + spare >= 86400 ? 600 : age_s + spare >= 3600 ? 60 : 10;
  return steps.find((step) => step % finest === 0 && seconds / step <= points) ?? 86400;
}

export interface Grid {
  t_s: number[];
  /** The point of the series at each of them, if there is one. */
  points: (Series['points'][number] | null)[];
}

/**
 * Every step of the stretch: those without exchanges are left out by the server and are null here. `open`: the last step
 * is under way, and would look like a fall.
 */
export function gridOf(series: Series, start_s: number, end_s: number, open: boolean): Grid {
  const step = Math.max(1, series.step_s);
  const first = Math.floor(start_s / step) * step;
  const known = new Map(series.points.map((point) => [Math.round(point.t_s / step), point]));
  const t_s: number[] = [];
  const points: Grid['points'] = [];
  for (let at = first; (open ? at + step : at) <= end_s && t_s.length < 5000; at += step) {
    t_s.push(at);
    points.push(known.get(Math.round(at / step)) ?? null);
  }
  return { t_s, points };
}
