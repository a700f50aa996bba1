// Moments are microseconds since the epoch. They are shown in the reader's time zone, or in UTC with `tz=utc` in the
// address; the tooltip always has both.
import { here } from '../route';

export function inUtc(): boolean {
  return here().params.get('tz') === 'utc';
}

function pad(value: number, digits = 2): string {
  return String(value).padStart(digits, '0');
}

interface Parts {
  date: string;
  time: string;
}

function parts(us: number, utc: boolean): Parts {
  const moment = new Date(us / 1000);
  const [year, month, day, hour, minute, second] = utc
    ? [
        moment.getUTCFullYear(),
        moment.getUTCMonth() + 1,
        moment.getUTCDate(),
        moment.getUTCHours(),
        moment.getUTCMinutes(),
        moment.getUTCSeconds(),
      ]
    : [
        moment.getFullYear(),
        moment.getMonth() + 1,
        moment.getDate(),
        moment.getHours(),
        moment.getMinutes(),
        moment.getSeconds(),
      ];
  return { date: `${year}-${pad(month)}-${pad(day)}`, time: `${pad(hour)}:${pad(minute)}:${pad(second)}` };
}

function fraction(us: number, digits: 0 | 3 | 6): string {
  const part = ((Math.floor(us) % 1e6) + 1e6) % 1e6;
  if (digits === 0) return '';
  return digits === 6 ? `.${pad(part, 6)}` : `.${pad(Math.floor(part / 1000), 3)}`;
}

export function zoneName(utc = inUtc(), us = Date.now() * 1000): string {
  if (utc) return 'UTC';
  const minutes = -new Date(us / 1000).getTimezoneOffset();
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? '−' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

/** 14:03:27.518 */
export function clock(us: number, digits: 0 | 3 | 6 = 3, utc = inUtc()): string {
  return parts(us, utc).time + fraction(us, digits);
}

/** 14:03 */
export function minute(us: number, utc = inUtc()): string {
  return parts(us, utc).time.slice(0, 5);
}

/** 2026-03-01 14:03:27.518 */
export function moment(us: number, digits: 0 | 3 | 6 = 3, utc = inUtc()): string {
  const of = parts(us, utc);
  return `${of.date} ${of.time}${fraction(us, digits)}`;
}

export function bothZones(us: number): string {
  return `${moment(us, 6, false)} ${zoneName(false, us)}\n${moment(us, 6, true)} UTC`;
}

/** "12 s ago" */
export function ago(us: number, now_ms = Date.now()): string {
  const seconds = Math.max(0, Math.round(now_ms / 1000 - us / 1e6));
  if (seconds < 2) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} days ago`;
}

/** Round moments between two, at most so many; local days begin where the reader's do. */
export function timeTicks(start_us: number, end_us: number, most: number): number[] {
  const steps = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800,
  ];
  const step = (steps.find((one) => (end_us - start_us) / 1e6 / one <= most) ?? 604800) * 1e6;
  const offset = inUtc() ? 0 : new Date(start_us / 1000).getTimezoneOffset() * 60e6;
  const ticks: number[] = [];
  for (let tick = Math.ceil((start_us - offset) / step) * step + offset; tick <= end_us; tick += step)
    ticks.push(tick);
  return ticks;
}

/** As short as so long an axis allows. */
export function timeLabel(us: number, span_us: number): string {
  if (span_us < 600e6) return clock(us, 0);
  return span_us > 2 * 86400e6 ? moment(us, 0).slice(5, 16) : minute(us);
}
