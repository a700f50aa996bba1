// A trace as one line of a list.
import type { JaegerTrace } from '../api/jaeger';
import { readTrace, type Span } from './trace';

export interface Summary {
  id: string;
  service: string;
  operation: string;
  /** Who answered, where the trace begins at the client's end: that says more than "GET". */
  answered: { service: string; operation: string } | null;
  start_us: number;
  duration_us: number;
  spans: number;
  errors: number;
  /** The status of the root, '' if it has none. */
  status: string;
  services: string[];
  /** The root's parent is not in the store (yet). */
  partial: boolean;
}

export function summarize(from: JaegerTrace): Summary | null {
  const trace = readTrace(from);
  const root: Span | undefined = trace.roots[0];
  if (!root) return null;
  const server = root.kind === 'client' ? root.children.find((child) => child.kind === 'server') : undefined;
  return {
    id: trace.id,
    service: root.service,
    operation: root.operation,
    answered: server ? { service: server.service, operation: server.operation } : null,
    start_us: trace.start_us,
    duration_us: trace.end_us - trace.start_us,
    spans: trace.spans.length,
    errors: trace.errors,
    status: root.status,
    services: trace.services,
    partial: trace.roots.length > 1 || root.missing_parent !== null,
  };
}
