// The stretch of the trace that the waterfall shows, in microseconds since the trace's start.
import type { Trace } from '../../model/trace';

export interface Window {
  from_us: number;
  to_us: number;
}

export function whole(trace: Trace): Window {
  return { from_us: 0, to_us: Math.max(1, trace.end_us - trace.start_us) };
}

export function readWindow(trace: Trace, params: URLSearchParams): Window {
  const all = whole(trace);
  const from = Number(params.get('from') ?? 0);
  const to = Number(params.get('to') ?? all.to_us);
  if (!(from >= 0) || !(to > from)) return all;
  return { from_us: Math.min(from, all.to_us - 1), to_us: Math.min(to, all.to_us) };
}

export function zoomed(window: Window, trace: Trace, factor: number): Window {
  const all = whole(trace);
  const middle = (window.from_us + window.to_us) / 2;
  const half = Math.max(1, ((window.to_us - window.from_us) * factor) / 2);
  return { from_us: Math.max(0, middle - half), to_us: Math.min(all.to_us, middle + half) };
}

/** For the address: null where it is all of the trace. */
export function windowChanges(window: Window, trace: Trace): { from: number | null; to: number | null } {
  const all = whole(trace);
  if (window.from_us <= 0 && window.to_us >= all.to_us) return { from: null, to: null };
  return { from: Math.round(window.from_us), to: Math.round(window.to_us) };
}

/** Round numbers inside the window, about so many. */
export function ticks(window: Window, most: number): number[] {
  const rough = (window.to_us - window.from_us) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1e-3)));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((one) => one >= rough) ?? power * 10;
  const found: number[] = [];
  for (let tick = Math.ceil(window.from_us / step) * step; tick <= window.to_us; tick += step)
    found.push(tick);
  return found;
}
