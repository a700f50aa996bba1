// What wirespan's own attributes say about a span, in sentences: how its parent was found, what was not all seen, and
// what was concluded rather than read. docs/spans.md has the attributes.
import { tagOf } from '../api/jaeger';
import type { Span } from './trace';

export interface Note {
  /** The word in the attribute, '' if the note is none of an attribute's. */
  word: string;
  text: string;
  /** `gap`: something is missing or guessed. */
  weight: 'plain' | 'gap';
}

const parents: Record<string, string> = {
  header: 'The request carried a traceparent header that names this parent.',
  wire: 'Both ends of the connection were seen: its sequence numbers name the span of the other end.',
  thread: 'The thread that made this call was serving that request, and nothing else.',
  goroutine: 'The goroutine that made this call was serving that request.',
  task: 'The runtime’s task that made this call was serving that request.',
  inferred: 'Concluded from time and order, not read.',
};

const incomplete: Record<string, string> = {
  request_head: 'Part of the request’s head was lost or too long: attributes may be missing.',
  response_head:
    'Part of the response’s head was lost or too long: attributes may be missing, the status among them.',
  request_body: 'Part of the request’s body was not seen: its size and message count are lower bounds.',
  response_body: 'Part of the response’s body was not seen: its size and message count are lower bounds.',
  hpack: 'Some headers stand for what was sent before we looked, or was lost: their attributes are missing.',
};

const inferred: Record<string, string> = {
  end_time: 'Nobody saw the exchange end: the latest moment seen stands for it.',
  status: 'The gRPC status was not read but follows from how the call ended.',
  protocol: 'No content type was read: that this is gRPC follows from its messages.',
};

function words(span: Span, key: string): string[] {
  const value = tagOf(span.tags, key);
  return value === undefined
    ? []
    : String(value)
        .split(',')
        .map((word) => word.trim())
        .filter(Boolean);
}

export function parentNote(span: Span): Note {
  const method = String(tagOf(span.tags, 'wirespan.parent.method') ?? '');
  if (span.missing_parent) {
    const how = parents[method] ?? '';
    return {
      word: method,
      text: `${how ? `${how} ` : ''}That parent (${span.missing_parent}) is not in the store: it has not arrived, was sampled away, or is of a program that reports nowhere.`,
      weight: 'gap',
    };
  }
  if (!span.parent)
    return { word: '', text: 'None: the trace begins here, or its cause was not seen.', weight: 'plain' };
  if (!method) return { word: '', text: 'Named by the program that reported this span.', weight: 'plain' };
  const confidence = tagOf(span.tags, 'wirespan.parent.confidence');
  const sure = confidence === undefined ? '' : ` Confidence ${confidence}.`;
  return {
    word: method,
    text: (parents[method] ?? 'A way that this page does not know.') + sure,
    weight: method === 'inferred' ? 'gap' : 'plain',
  };
}

export function gapNotes(span: Span): Note[] {
  const notes: Note[] = [];
  for (const word of words(span, 'wirespan.incomplete')) {
    notes.push({ word, text: incomplete[word] ?? 'Not all of it was seen.', weight: 'gap' });
  }
  for (const word of words(span, 'wirespan.inferred')) {
    notes.push({ word, text: inferred[word] ?? 'Concluded, not read.', weight: 'gap' });
  }
  if (tagOf(span.tags, 'wirespan.wire') === 'none') {
    notes.push({
      word: 'wire',
      text: 'The connection has no name that its other end can compute: both ends can’t be joined by it.',
      weight: 'gap',
    });
  }
  return notes;
}

/** For the waterfall: something about the span is missing or guessed. */
export function hasGap(span: Span): boolean {
  return (
    span.tags.some((tag) => tag.key === 'wirespan.incomplete' || tag.key === 'wirespan.inferred') ||
    span.missing_parent !== null
  );
}
