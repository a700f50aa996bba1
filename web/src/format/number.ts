const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function count(value: number): string {
  return whole.format(value);
}

/** For places with little room: 950, 12.3k, 4.1M. */
export function shortCount(value: number): string {
  if (value < 1000) return String(Math.round(value));
  if (value < 999_950) return `${three(value / 1e3)}k`;
  if (value < 999_950_000) return `${three(value / 1e6)}M`;
  return `${three(value / 1e9)}G`;
}

function three(value: number): string {
  return value < 100 ? value.toFixed(1) : value.toFixed(0);
}

/** Exchanges a second; a minute or an hour where that is hardly one. */
export function rate(per_second: number): string {
  if (per_second === 0) return '0/s';
  if (per_second < 0.01 / 60) return `${(per_second * 3600).toFixed(2)}/h`;
  if (per_second < 0.01) return `${(per_second * 60).toFixed(2)}/min`;
  if (per_second < 10) return `${per_second.toFixed(2)}/s`;
  if (per_second < 100) return `${per_second.toFixed(1)}/s`;
  return `${shortCount(per_second)}/s`;
}

/** A share of 1 in percent; what is not zero never reads as zero. */
export function percent(share: number): string {
  if (!Number.isFinite(share) || share === 0) return '0 %';
  if (share < 0.0005) return '<0.1 %';
  return share < 0.0995 ? `${(share * 100).toFixed(1)} %` : `${(share * 100).toFixed(0)} %`;
}

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  const steps = ['KiB', 'MiB', 'GiB', 'TiB'];
  let scaled = value / 1024;
  let at = 0;
  while (scaled >= 1024 && at < steps.length - 1) {
    scaled /= 1024;
    at++;
  }
  return `${scaled < 10 ? scaled.toFixed(1) : scaled.toFixed(0)} ${steps[at]}`;
}
