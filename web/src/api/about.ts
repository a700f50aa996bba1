import { ask } from './client';

export interface About {
  version: string;
  started_us: number;
  spans: number;
  bytes: number;
  oldest_us: number;
  limit_bytes: number;
  limit_age_s: number;
}

export function about(signal?: AbortSignal): Promise<About> {
  return ask<About>('/wirespan/api/about', signal);
}
