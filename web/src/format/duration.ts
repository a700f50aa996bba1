// Durations are microseconds, as the API's.

/** Three digits that mean something: "876 µs", "1.24 ms", "12.0 s", "3 m 05 s". */
export function duration(us: number): string {
  if (!Number.isFinite(us)) return '–';
  const sign = us < 0 ? '−' : '';
  const value = Math.abs(us);
  if (value < 1000) return `${sign}${value < 10 && value % 1 ? value.toFixed(1) : Math.round(value)} µs`;
  if (value < 999_500) return `${sign}${three(value / 1000)} ms`;
  if (value < 60e6) return `${sign}${three(value / 1e6)} s`;
  const seconds = Math.round(value / 1e6);
  if (seconds < 3600) return `${sign}${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  return `${sign}${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds / 60) % 60)} m`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function three(value: number): string {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
}

/** What a reader types: "1.5s", "300ms", "20us", "250" (ms). Microseconds; null: none of these. */
export function parseDuration(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(us|µs|μs|ms|s|m|h)?\s*$/.exec(text);
  if (!match) return null;
  const unit = { us: 1, µs: 1, μs: 1, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6 }[match[2] ?? 'ms'] ?? 1e3;
  return Number(match[1]) * unit;
}

/** As Jaeger's API takes it. */
export function goDuration(us: number): string {
  return `${Math.round(us)}us`;
}
