// The stretch of time that a view shows: the last so and so long, or between two moments. In the address as
// `range=1h`, or `start` and `end` in microseconds since the epoch.
import { here } from './route';

export interface Range {
  start_us: number;
  end_us: number;
  /** '15m': the end is now; null: both ends stand in the address. */
  last: string | null;
}

export const kRanges = ['5m', '15m', '1h', '3h', '12h', '24h', '2d', '7d'] as const;
const kDefault = '1h';
const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400 };

export function secondsOf(text: string): number | null {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  if (!match) return null;
  return Number(match[1]) * (units[match[2] ?? ''] ?? 0);
}

export function rangeNow(params: URLSearchParams = here().params, now_ms = Date.now()): Range {
  const start = Number(params.get('start'));
  const end = Number(params.get('end'));
  if (start > 0 && end > start) return { start_us: start, end_us: end, last: null };
  const wanted = params.get('range') ?? kDefault;
  const seconds = secondsOf(wanted);
  const last = seconds ? wanted : kDefault;
  return {
    start_us: Math.round(now_ms * 1000 - (seconds || 3600) * 1e6),
    end_us: Math.round(now_ms * 1000),
    last,
  };
}

/** The parameters that name a range: equal for as long as the reader changes nothing. */
export function rangeKey(params: URLSearchParams): string {
  return `${params.get('range') ?? ''}/${params.get('start') ?? ''}/${params.get('end') ?? ''}`;
}
