// A trace as a tree of spans, made of Jaeger's JSON. Everything from the server may be odd: parents that are missing,
// that stand in a circle, span ids that both ends of an exchange share.
import { tagOf, type JaegerSpan, type JaegerTrace, type Tag } from '../api/jaeger';

export interface Span {
  id: string;
  /** Where it stands in Trace.spans: unlike the id it is never shared. */
  index: number;
  service: string;
  operation: string;
  kind: string;
  start_us: number;
  duration_us: number;
  end_us: number;
  error: boolean;
  /** HTTP or gRPC status, as text; '' if there is none. */
  status: string;
  /** The host that saw it; '' if nobody said. */
  node: string;
  tags: Tag[];
  resource: Tag[];
  events: JaegerSpan['logs'];
  links: { trace: string; span: string }[];
  parent: Span | null;
  /** The id of a parent that is not in the trace. */
  missing_parent: string | null;
  children: Span[];
  /** Among its parent's children, or the roots. */
  position: number;
  depth: number;
  /** Spans below it. */
  below: number;
}

export interface Trace {
  id: string;
  /** Parents before children, children by their start. */
  spans: Span[];
  roots: Span[];
  start_us: number;
  end_us: number;
  /** Names by the time spent in spans of theirs, longest first. */
  services: string[];
  errors: number;
}

function statusOf(tags: Tag[]): string {
  const status =
    tagOf(tags, 'rpc.response.status_code') ??
    tagOf(tags, 'http.response.status_code') ??
    tagOf(tags, 'http.status_code');
  return status === undefined ? '' : String(status);
}

function spanOf(from: JaegerSpan, processes: JaegerTrace['processes']): Span {
  const process = processes[from.processID];
  const resource = process?.tags ?? [];
  return {
    id: from.spanID,
    index: -1,
    service: process?.serviceName ?? 'unknown',
    operation: from.operationName,
    kind: String(tagOf(from.tags, 'span.kind') ?? ''),
    start_us: from.startTime,
    duration_us: from.duration,
    end_us: from.startTime + from.duration,
    error: tagOf(from.tags, 'error') === true,
    status: statusOf(from.tags),
    node: String(tagOf(resource, 'k8s.node.name') ?? tagOf(resource, 'host.name') ?? ''),
    tags: from.tags,
    resource,
    events: from.logs,
    links: from.references
      .filter((reference) => reference.refType !== 'CHILD_OF')
      .map((reference) => ({ trace: reference.traceID, span: reference.spanID })),
    parent: null,
    missing_parent: null,
    children: [],
    position: 0,
    depth: 0,
    below: 0,
  };
}

/** Two spans of one id (some tracers let both ends share it): the server's is a child's parent, the client's the server's. */
function findParent(span: Span, id: string, byId: Map<string, Span[]>): Span | null {
  const candidates = (byId.get(id) ?? []).filter((candidate) => candidate !== span);
  if (candidates.length < 2) return candidates[0] ?? null;
  const wanted = span.kind === 'server' ? 'client' : 'server';
  return candidates.find((candidate) => candidate.kind === wanted) ?? candidates[0] ?? null;
}

function link(spans: Span[], raw: JaegerSpan[], trace_id: string): void {
  const byId = new Map<string, Span[]>();
  for (const span of spans) {
    const same = byId.get(span.id);
    if (same) same.push(span);
    else byId.set(span.id, [span]);
  }
  spans.forEach((span, at) => {
    const reference = raw[at]?.references.find(
      (one) => one.refType === 'CHILD_OF' && one.traceID === trace_id,
    );
    if (!reference) return;
    span.parent = findParent(span, reference.spanID, byId);
    if (!span.parent) span.missing_parent = reference.spanID;
  });
  breakCircles(spans);
  for (const span of spans) span.parent?.children.push(span);
}

function breakCircles(spans: Span[]): void {
  const state = new Map<Span, 1 | 2>();
  for (const first of spans) {
    const way: Span[] = [];
    let at: Span | null = first;
    while (at && !state.has(at)) {
      state.set(at, 1);
      way.push(at);
      at = at.parent;
    }
    if (at && state.get(at) === 1) {
      at.missing_parent = at.parent?.id ?? null;
      at.parent = null;
    }
    for (const span of way) state.set(span, 2);
  }
}

/** Depth first without recursion: a chain may be thousands of spans deep. */
function inOrder(roots: Span[]): Span[] {
  const ordered: Span[] = [];
  const waiting = [...roots].reverse();
  while (waiting.length > 0) {
    const span = waiting.pop() as Span;
    span.index = ordered.length;
    span.depth = span.parent ? span.parent.depth + 1 : 0;
    ordered.push(span);
    for (let at = span.children.length - 1; at >= 0; at--) waiting.push(span.children[at] as Span);
  }
  for (let at = ordered.length - 1; at >= 0; at--) {
    const span = ordered[at] as Span;
    if (span.parent) span.parent.below += span.below + 1;
  }
  return ordered;
}

const byStart = (one: Span, other: Span) =>
  one.start_us - other.start_us || other.duration_us - one.duration_us;

export function readTrace(from: JaegerTrace): Trace {
  const spans = from.spans.map((span) => spanOf(span, from.processes));
  link(spans, from.spans, from.traceID);
  const roots = spans.filter((span) => !span.parent);
  for (const siblings of [roots, ...spans.map((span) => span.children)]) {
    siblings.sort(byStart);
    siblings.forEach((span, at) => (span.position = at));
  }
  const ordered = inOrder(roots);
  let start_us = Infinity;
  let end_us = -Infinity;
  const spent = new Map<string, number>();
  for (const span of ordered) {
    start_us = Math.min(start_us, span.start_us);
    end_us = Math.max(end_us, span.end_us);
    spent.set(span.service, (spent.get(span.service) ?? 0) + span.duration_us);
  }
  return {
    id: from.traceID,
    spans: ordered,
    roots,
    start_us,
    end_us: Math.max(end_us, start_us),
    services: [...spent].sort((one, other) => other[1] - one[1]).map(([name]) => name),
    errors: ordered.filter((span) => span.error).length,
  };
}

/** Time in the span in which no child ran. */
export function selfTime(span: Span): number {
  let covered = 0;
  let until = span.start_us;
  for (const child of span.children) {
    const from = Math.max(child.start_us, until);
    const to = Math.min(child.end_us, span.end_us);
    if (to > from) {
      covered += to - from;
      until = to;
    }
  }
  return Math.max(0, span.duration_us - covered);
}
