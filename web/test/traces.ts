// Traces of random shapes, as Jaeger's API would answer them.
import type { JaegerSpan, JaegerTrace } from '../src/api/jaeger';

export function random(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

export function jaegerSpan(
  id: string,
  parent: string | null,
  start: number,
  duration: number,
  more: Partial<JaegerSpan> = {},
): JaegerSpan {
  return {
    traceID: 't',
    spanID: id,
    operationName: `op ${id}`,
    references: parent ? [{ refType: 'CHILD_OF', traceID: 't', spanID: parent }] : [],
    startTime: start,
    duration,
    tags: [],
    logs: [],
    processID: 'p1',
    ...more,
  };
}

export function jaegerTrace(spans: JaegerSpan[], services: string[] = ['one']): JaegerTrace {
  return {
    traceID: 't',
    spans,
    processes: Object.fromEntries(
      services.map((name, at) => [`p${at + 1}`, { serviceName: name, tags: [] }]),
    ),
  };
}

/** Children that begin before their parents or outlive them, parents that are missing or their own descendants. */
export function wildTrace(seed: number, count: number): JaegerTrace {
  const next = random(seed);
  const spans: JaegerSpan[] = [];
  for (let at = 0; at < count; at++) {
    const parent =
      at === 0 ? null : next() < 0.05 ? 'nobody' : String(Math.floor(next() * (next() < 0.1 ? count : at)));
    spans.push(jaegerSpan(String(at), parent, Math.floor(next() * 1000), Math.floor(next() * 500)));
  }
  // In no order.
  return jaegerTrace(spans.sort((one, other) => ((one.duration * 7) % 13) - ((other.duration * 7) % 13)));
}
