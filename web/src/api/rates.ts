// The gateway's own API: rates, errors and durations that it keeps beside the traces.
import type { Range } from '../range';
import { address, ask } from './client';

export interface Rates {
  count: number;
  errors: number;
  /** Of `count`: known by an agent's metrics alone, because no span of them was kept. */
  from_metrics: number;
  p50_us: number;
  p95_us: number;
  p99_us: number;
}

export interface ServiceRates extends Rates {
  service: string;
}
export interface OperationRates extends Rates {
  operation: string;
  kind: string;
}
export interface EdgeRates extends Rates {
  client: string;
  server: string;
  /** False: the server tells nothing of itself; its name is what its callers know it by. */
  observed: boolean;
}
export interface Point extends Rates {
  t_s: number;
  /** Upper bound in microseconds and count; those that are empty are left out, ascending. */
  buckets: [number, number][];
}
export interface Series {
  step_s: number;
  points: Point[];
}

function span(range: Range) {
  return { start: range.start_us, end: range.end_us };
}

export async function serviceRates(range: Range, signal?: AbortSignal): Promise<ServiceRates[]> {
  const url = address('/wirespan/api/services', { ...span(range), limit: 1000 });
  return (await ask<{ services: ServiceRates[] }>(url, signal)).services;
}

export async function edgeRates(range: Range, signal?: AbortSignal): Promise<EdgeRates[]> {
  const url = address('/wirespan/api/edges', { ...span(range), limit: 1000 });
  return (await ask<{ edges: EdgeRates[] }>(url, signal)).edges;
}

export async function operationRates(
  service: string,
  range: Range,
  signal?: AbortSignal,
): Promise<OperationRates[]> {
  const url = address('/wirespan/api/operations', { service, ...span(range), limit: 1000 });
  return (await ask<{ operations: OperationRates[] }>(url, signal)).operations;
}

export async function series(
  of: { service: string; operation?: string | undefined; kind?: string | undefined },
  range: Range,
  step_s: number,
  signal?: AbortSignal,
): Promise<Series> {
  return ask<Series>(address('/wirespan/api/series', { ...of, ...span(range), step: step_s }), signal);
}
