import { ask } from './client';

export interface ProcessCoverage {
  pid: number;
  name: string;
  protocol: string;
  seen: boolean;
  /** The backend that sees it: socktrace, fentry, ... */
  how: string;
  /** What of it is not seen, and why; empty: nothing. */
  missing: string;
  sockets: number;
}

export interface NodeCoverage {
  node: string;
  instance: string;
  seen_at_us: number;
  version: string;
  ledger: { seen: number; reported: number; dropped: { reason: string; count: number }[] };
  processes: ProcessCoverage[];
}

export async function coverage(signal?: AbortSignal): Promise<NodeCoverage[]> {
  return (await ask<{ nodes: NodeCoverage[] }>('/wirespan/api/coverage', signal)).nodes;
}
