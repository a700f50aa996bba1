// An exchange has two ends: the CLIENT span of who asked and the SERVER span of who answered.
import { tagOf } from '../api/jaeger';
import type { Span, Trace } from './trace';

export interface Exchange {
  client: Span;
  server: Span;
}

function wireOf(span: Span): string | null {
  const id = tagOf(span.tags, 'wirespan.wire_id');
  return id === undefined ? null : String(id);
}

const isClient = (span: Span) => span.kind === 'client' || span.kind === 'producer';
const isServer = (span: Span) => span.kind === 'server' || span.kind === 'consumer';

/** The other end of each span that has one: by the wire's own name where both have it, else by parent and child. */
export function pairEnds(trace: Trace): Map<Span, Exchange> {
  const pairs = new Map<Span, Exchange>();
  const pair = (client: Span, server: Span) => {
    if (pairs.has(client) || pairs.has(server)) return;
    const exchange = { client, server };
    pairs.set(client, exchange);
    pairs.set(server, exchange);
  };
  const clients = new Map<string, Span>();
  for (const span of trace.spans) {
    const wire = isClient(span) ? wireOf(span) : null;
    if (wire) clients.set(wire, span);
  }
  for (const span of trace.spans) {
    const wire = isServer(span) ? wireOf(span) : null;
    const client = wire ? clients.get(wire) : undefined;
    if (client) pair(client, span);
  }
  for (const span of trace.spans) {
    if (isServer(span) && span.parent && isClient(span.parent)) pair(span.parent, span);
  }
  return pairs;
}

export interface Skew {
  /** What one has to add to the server's times at least so that it lies within the client's: 0 if it does. */
  shift_us: number;
  /** The server's span is longer than the client's: no shift makes it fit. */
  longer: boolean;
}

/**
 * A server can't have read a request before it was written, nor can its answer have been read before it was written.
 * Where the times say so all the same, the two ends' clocks differ by at least `shift_us`.
 */
export function skewOf({ client, server }: Exchange): Skew {
  const before = client.start_us - server.start_us; // positive: it began too early
  const after = server.end_us - client.end_us; // positive: it ended too late
  // One microsecond is what rounding may do to each.
  if (before <= 1 && after <= 1) return { shift_us: 0, longer: false };
  if (server.duration_us > client.duration_us + 1) return { shift_us: 0, longer: true };
  return { shift_us: before > 1 ? before : -after, longer: false };
}

export interface ClockPair {
  client: string;
  server: string;
  shift_us: number;
  exchanges: number;
}

/** By pair of hosts (or services, where no host is known): the largest shift that an exchange between them demands. */
export function clockDifferences(pairs: Map<Span, Exchange>): ClockPair[] {
  const found = new Map<string, ClockPair>();
  for (const exchange of new Set(pairs.values())) {
    const { shift_us } = skewOf(exchange);
    if (shift_us === 0) continue;
    const client = exchange.client.node || exchange.client.service;
    const server = exchange.server.node || exchange.server.service;
    const key = `${client}\n${server}`;
    const known = found.get(key) ?? { client, server, shift_us: 0, exchanges: 0 };
    known.exchanges++;
    if (Math.abs(shift_us) > Math.abs(known.shift_us)) known.shift_us = shift_us;
    found.set(key, known);
  }
  return [...found.values()].sort((one, other) => Math.abs(other.shift_us) - Math.abs(one.shift_us));
}
