// Jaeger's HTTP API, in its own words.
import { address, ask, type Parameters } from './client';

export interface Tag {
  key: string;
  type: string;
  value: string | number | boolean;
}

export interface JaegerSpan {
  traceID: string;
  spanID: string;
  operationName: string;
  references: { refType: string; traceID: string; spanID: string }[];
  startTime: number;
  duration: number;
  tags: Tag[];
  logs: { timestamp: number; fields: Tag[] }[];
  processID: string;
}

export interface JaegerTrace {
  traceID: string;
  spans: JaegerSpan[];
  processes: Record<string, { serviceName: string; tags: Tag[] }>;
}

interface Envelope<T> {
  data: T;
  errors: { msg: string; traceID?: string }[] | null;
}

export interface Traces {
  traces: JaegerTrace[];
  /** What the server says about an answer that is not whole. */
  notes: string[];
}

export async function services(signal?: AbortSignal): Promise<string[]> {
  return (await ask<Envelope<string[]>>('/api/services', signal)).data;
}

export async function operations(service: string, signal?: AbortSignal): Promise<string[]> {
  const path = `/api/services/${encodeURIComponent(service)}/operations`;
  return (await ask<Envelope<string[]>>(path, signal)).data;
}

export interface TraceQuestion {
  service: string;
  operation?: string | undefined;
  tags?: Record<string, string> | undefined;
  start_us: number;
  end_us: number;
  min_us?: number | undefined;
  max_us?: number | undefined;
  limit?: number;
}

export async function traces(question: TraceQuestion, signal?: AbortSignal): Promise<Traces> {
  const tags = question.tags && Object.keys(question.tags).length > 0 ? JSON.stringify(question.tags) : null;
  const parameters: Parameters = {
    service: question.service,
    operation: question.operation,
    tags,
    start: question.start_us,
    end: question.end_us,
    minDuration: question.min_us ? `${Math.round(question.min_us)}us` : null,
    maxDuration: question.max_us ? `${Math.round(question.max_us)}us` : null,
    limit: question.limit ?? 100,
  };
  const answer = await ask<Envelope<JaegerTrace[]>>(address('/api/traces', parameters), signal);
  return { traces: answer.data ?? [], notes: (answer.errors ?? []).map((error) => error.msg) };
}

export async function trace(id: string, signal?: AbortSignal): Promise<Traces> {
  const answer = await ask<Envelope<JaegerTrace[]>>(`/api/traces/${encodeURIComponent(id)}`, signal);
  return { traces: answer.data ?? [], notes: (answer.errors ?? []).map((error) => error.msg) };
}

export function tagOf(tags: Tag[], key: string): Tag['value'] | undefined {
  return tags.find((tag) => tag.key === key)?.value;
}
