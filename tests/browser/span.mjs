// OTLP JSON, made of short words.

/** Hex of so many digits, the same for the same seed. */
export function random(seed) {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 4294967296;
  };
}

export function hex(next, digits) {
  let text = '';
  while (text.length < digits) text += Math.floor(next() * 16).toString(16);
  return text;
}

function value(of) {
  if (typeof of === 'boolean') return { boolValue: of };
  if (typeof of === 'number') return Number.isInteger(of) ? { intValue: String(of) } : { doubleValue: of };
  return { stringValue: String(of) };
}

export function attributes(of) {
  return Object.entries(of).map(([key, one]) => ({ key, value: value(one) }));
}

const kinds = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };

/** One span; times in microseconds since the epoch. */
export function span({ trace, id, parent, name, kind = 'server', start_us, duration_us, tags = {}, error = false, events = [], message }) {
  const at = (us) => `${Math.round(us)}000`;
  return {
    traceId: trace,
    spanId: id,
    ...(parent ? { parentSpanId: parent } : {}),
    name,
    kind: kinds[kind],
    startTimeUnixNano: at(start_us),
    endTimeUnixNano: at(start_us + duration_us),
    attributes: attributes(tags),
    events: events.map((event) => ({ timeUnixNano: at(event.at_us), name: event.name, attributes: attributes(event.tags ?? {}) })),
    ...(error ? { status: { code: 2, ...(message ? { message } : {}) } } : {}),
  };
}

/** Spans of several services as one request: [{service, node, span}] -> resourceSpans. */
export function resourceSpans(entries) {
  const byService = new Map();
  for (const { service, node, span: one } of entries) {
    const key = `${service}\n${node ?? ''}`;
    if (!byService.has(key)) {
      const resource = { 'service.name': service, ...(node ? { 'host.name': node } : {}), 'telemetry.sdk.name': 'wirespan' };
      byService.set(key, { resource: { attributes: attributes(resource) }, scopeSpans: [{ spans: [] }] });
    }
    byService.get(key).scopeSpans[0].spans.push(one);
  }
  return [...byService.values()];
}

export async function send(port, entries) {
  for (let at = 0; at < entries.length; at += 2000) {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/traces`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ resourceSpans: resourceSpans(entries.slice(at, at + 2000)) }),
    });
    if (!answer.ok) throw new Error(`the gateway refused spans: ${answer.status} ${await answer.text()}`);
  }
}
