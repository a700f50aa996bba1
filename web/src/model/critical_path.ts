import type { Span, Trace } from './trace';

export interface Stretch {
  span: Span;
  from_us: number;
  to_us: number;
}

/**
 * What the trace's duration was spent on: from its end back to its start, at each moment the span that the rest waited
 * for. A span waits for the child that ended last; before that child began, for the one that ended last by then; where
 * no child ran, for itself. Children that outlive their parent (nobody waited for them) count up to its end.
 */
export function criticalPath(trace: Trace): Stretch[] {
  const root = trace.roots.reduce<Span | null>(
    (best, span) => (!best || span.duration_us > best.duration_us ? span : best),
    null,
  );
  if (!root) return [];
  const path: Stretch[] = [];
  // The span under way, from where on it counts (a clock that differs may put it before its parent's start), how far
  // back we are in it, and which of its children (by end, latest first) comes next.
  const open = [{ span: root, floor: root.start_us, cursor: root.end_us, children: byEnd(root), next: 0 }];
  while (open.length > 0) {
    const top = open[open.length - 1] as (typeof open)[number];
    const child = top.children[top.next];
    if (!child) {
      add(path, top.span, top.floor, top.cursor);
      open.pop();
      const outer = open[open.length - 1];
      if (outer) outer.cursor = top.floor;
      continue;
    }
    top.next++;
    const end = Math.min(child.end_us, top.cursor);
    const floor = Math.max(child.start_us, top.floor);
    if (end <= floor) continue;
    add(path, top.span, end, top.cursor);
    open.push({ span: child, floor, cursor: end, children: byEnd(child), next: 0 });
  }
  return path.reverse();
}

function byEnd(span: Span): Span[] {
  return [...span.children].sort((one, other) => other.end_us - one.end_us);
}

function add(path: Stretch[], span: Span, from_us: number, to_us: number): void {
  if (to_us > from_us) path.push({ span, from_us, to_us });
}

/** By span: [from, to] of its stretches; and their sum by service, largest first. */
export function byService(path: Stretch[]): { service: string; us: number }[] {
  const sums = new Map<string, number>();
  for (const { span, from_us, to_us } of path)
    sums.set(span.service, (sums.get(span.service) ?? 0) + to_us - from_us);
  return [...sums].map(([service, us]) => ({ service, us })).sort((one, other) => other.us - one.us);
}
