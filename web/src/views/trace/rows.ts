// Which spans the waterfall lists: all but those below a closed one; or those that a text finds, with the way to them.
import type { Span, Trace } from '../../model/trace';

/** Closed spans in the address, by their number in the trace. More than these are not kept there. */
export const kMostClosed = 100;

export function readClosed(params: URLSearchParams): Set<number> {
  const text = params.get('closed');
  return new Set(text ? text.split('.').map(Number).filter(Number.isInteger) : []);
}

export function writeClosed(closed: Set<number>): string | null {
  return closed.size === 0 ? null : [...closed].slice(-kMostClosed).join('.');
}

export function visibleRows(trace: Trace, closed: Set<number>): Span[] {
  if (closed.size === 0) return trace.spans;
  const rows: Span[] = [];
  for (let at = 0; at < trace.spans.length; at++) {
    const span = trace.spans[at] as Span;
    rows.push(span);
    if (closed.has(span.index)) at += span.below;
  }
  return rows;
}

function holds(span: Span, text: string): boolean {
  if (span.service.toLowerCase().includes(text) || span.operation.toLowerCase().includes(text)) return true;
  if (span.id === text) return true;
  return span.tags.some((tag) => `${tag.key}=${tag.value}`.toLowerCase().includes(text));
}

/** Numbers of the spans that a text finds: in names, ids and `key=value`; null: no text. "error" finds what failed. */
export function findSpans(trace: Trace, text: string): Set<number> | null {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return null;
  const found = new Set<number>();
  for (const span of trace.spans) {
    if ((wanted === 'error' && span.error) || holds(span, wanted)) found.add(span.index);
  }
  return found;
}
