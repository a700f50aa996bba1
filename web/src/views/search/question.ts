// What the search asks for, as the address has it.
import * as jaeger from '../../api/jaeger';
import { parseDuration } from '../../format/duration';
import { summarize, type Summary } from '../../model/summary';
import type { Range } from '../../range';

export interface Question {
  service: string;
  operation: string;
  attributes: string;
  status: string;
  min: string;
  max: string;
  errors: boolean;
  limit: number;
}

export const kLimits = [20, 100, 500] as const;
/** Without a service each one is asked; more than these would hold up the server's other readers. */
export const kMostServices = 40;

export function readQuestion(params: URLSearchParams): Question {
  const limit = Number(params.get('limit'));
  return {
    service: params.get('service') ?? '',
    operation: params.get('operation') ?? '',
    attributes: params.get('attr') ?? '',
    status: params.get('status') ?? '',
    min: params.get('min') ?? '',
    max: params.get('max') ?? '',
    errors: params.get('errors') === 'true',
    limit: kLimits.find((one) => one === limit) ?? 100,
  };
}

/** `key=value other="two words"`; null: not written so. */
export function parseAttributes(text: string): Record<string, string> | null {
  const found: Record<string, string> = {};
  const piece = /\s*([^\s=:"]+)\s*[=:]\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))(?=\s|$)/y;
  let at = 0;
  while (text.slice(at).trim() !== '') {
    piece.lastIndex = at;
    const match = piece.exec(text);
    if (!match?.[1]) return null;
    found[match[1]] = match[2] !== undefined ? match[2].replace(/\\(.)/g, '$1') : (match[3] ?? '');
    at = piece.lastIndex;
  }
  return found;
}

export function checkAttributes(text: string): string | null {
  return parseAttributes(text) ? null : 'Write key=value, texts with spaces in quotes.';
}

export function checkDuration(text: string): string | null {
  return text === '' || parseDuration(text) !== null ? null : 'Write 250ms, 1.5s, 300us.';
}

function tagsOf(question: Question): Record<string, string> {
  const tags = { ...parseAttributes(question.attributes) };
  if (question.errors) tags['error'] = 'true';
  // Codes of HTTP are numbers, those of gRPC have names.
  if (/^\d+$/.test(question.status)) tags['http.response.status_code'] = question.status;
  else if (question.status) tags['rpc.response.status_code'] = question.status.toUpperCase();
  return tags;
}

export interface Found {
  traces: Summary[];
  notes: string[];
}

/** Newest first. Each trace once, though several services may find it. */
function merge(answers: jaeger.Traces[], limit: number): Found {
  const byId = new Map<string, Summary>();
  const notes = new Set<string>();
  for (const answer of answers) {
    for (const note of answer.notes) notes.add(note);
    for (const trace of answer.traces) {
      if (byId.has(trace.traceID)) continue;
      const summary = summarize(trace);
      if (summary) byId.set(trace.traceID, summary);
    }
  }
  const traces = [...byId.values()].sort((one, other) => other.start_us - one.start_us).slice(0, limit);
  return { traces, notes: [...notes] };
}

export async function search(
  question: Question,
  range: Range,
  services: string[],
  signal: AbortSignal,
): Promise<Found> {
  const asked = question.service ? [question.service] : services.slice(0, kMostServices);
  const limit = question.service ? question.limit : Math.min(question.limit, 100);
  const answers: jaeger.Traces[] = [];
  const waiting = [...asked];
  const work = async () => {
    for (let service = waiting.shift(); service !== undefined; service = waiting.shift()) {
      answers.push(
        await jaeger.traces(
          {
            service,
            operation: question.operation,
            tags: tagsOf(question),
            start_us: range.start_us,
            end_us: range.end_us,
            min_us: parseDuration(question.min) ?? undefined,
            max_us: parseDuration(question.max) ?? undefined,
            limit: question.service ? limit : Math.max(20, Math.ceil(limit / Math.max(1, asked.length))),
          },
          signal,
        ),
      );
    }
  };
  // The server answers two at a time.
  await Promise.all([work(), work()]);
  const found = merge(answers, limit);
  if (!question.service && services.length > kMostServices) {
    found.notes.push(
      `Only the first ${kMostServices} of ${services.length} services were asked. Choose a service to search all of its traces.`,
    );
  }
  return found;
}
