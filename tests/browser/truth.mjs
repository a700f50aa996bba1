// What the page has to say about spans that were sent: counted here, independently of the gateway.

const lasts = ({ span }) => Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1000;

/** Count, errors and exact percentiles (the smallest duration that so many are not longer than), in microseconds. */
export function ratesOf(entries) {
  const durations = entries.map(lasts).sort((one, other) => one - other);
  const at = (share) => durations[Math.max(0, Math.ceil(durations.length * share) - 1)];
  return { count: entries.length, errors: entries.filter((one) => one.span.status).length, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

export const served = (entries, service) => entries.filter((one) => one.service === service && one.span.kind === 2);

/** SERVER spans by "client>server", by the service of their parent. */
export function edgesOf(entries) {
  const byId = new Map(entries.map((one) => [one.span.spanId, one]));
  const edges = new Map();
  for (const one of entries) {
    const parent = byId.get(one.span.parentSpanId);
    if (!parent || parent.service === one.service) continue;
    const key = `${parent.service}>${one.service}`;
    edges.set(key, [...(edges.get(key) ?? []), one]);
  }
  return edges;
}

/** "1.24 ms" as the page writes it, in microseconds. */
export function microseconds(text) {
  const [value, unit] = text.trim().split(/\s+/);
  return Number(value) * { µs: 1, ms: 1e3, s: 1e6 }[unit];
}

/** Rounding to three digits adds at most half a per cent to the store's own 2 %. */
export function near(text, wanted_us) {
  return Math.abs(microseconds(text) - wanted_us) <= wanted_us * 0.025;
}
