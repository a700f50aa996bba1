import { address } from './client';

export interface LiveSpan {
  trace_id: string;
  span_id: string;
  service: string;
  operation: string;
  kind: string;
  start_us: number;
  duration_us: number;
  error: boolean;
  status: string;
  node: string;
}

export interface LiveFilter {
  service?: string | undefined;
  operation?: string | undefined;
  min_duration_us?: number | undefined;
  errors?: boolean | undefined;
}

export interface LiveListener {
  span(span: LiveSpan): void;
  /** So many were left out: too many at once, or this reader was too slow. */
  dropped(count: number): void;
  state(state: 'open' | 'waiting'): void;
}

/** Spans as they arrive. The browser connects again by itself. Returns what ends it. */
export function listen(filter: LiveFilter, listener: LiveListener): () => void {
  const source = new EventSource(
    address('/wirespan/api/live', { ...filter, errors: filter.errors ? 'true' : null }),
  );
  source.onopen = () => listener.state('open');
  source.onerror = () => listener.state('waiting');
  source.onmessage = (event) => listener.span(JSON.parse(event.data as string) as LiveSpan);
  source.addEventListener('dropped', (event) => {
    listener.dropped((JSON.parse((event as MessageEvent<string>).data) as { count: number }).count);
  });
  return () => source.close();
}
