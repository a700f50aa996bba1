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

const kAgain_ms = 3000;

/** Spans as they arrive, connected again whenever the connection ends. Returns what ends it for good. */
export function listen(filter: LiveFilter, listener: LiveListener): () => void {
  const url = address('/wirespan/api/live', { ...filter, errors: filter.errors ? 'true' : null });
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const connect = () => {
    source = new EventSource(url);
    source.onopen = () => listener.state('open');
    source.onerror = () => {
      listener.state('waiting');
      // After an answer that is no stream the browser does not try again by itself.
      if (source?.readyState === EventSource.CLOSED) timer = setTimeout(connect, kAgain_ms);
    };
    source.onmessage = (event) => listener.span(JSON.parse(event.data as string) as LiveSpan);
    source.addEventListener('dropped', (event) => {
      listener.dropped((JSON.parse((event as MessageEvent<string>).data) as { count: number }).count);
    });
  };
  connect();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}
