import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTrace, selfTime } from '../src/model/trace';
import { jaegerSpan, jaegerTrace, wildTrace } from './traces';

test('children stand below their parents, by their start', () => {
  const trace = readTrace(
    jaegerTrace([
      jaegerSpan('c', 'a', 30, 10),
      jaegerSpan('a', null, 0, 100),
      jaegerSpan('b', 'a', 10, 10),
      jaegerSpan('d', 'b', 12, 2),
    ]),
  );
  assert.deepEqual(
    trace.spans.map((span) => `${span.depth}${span.id}`),
    ['0a', '1b', '2d', '1c'],
  );
  assert.deepEqual(
    trace.spans.map((span) => span.below),
    [3, 1, 0, 0],
  );
  assert.equal(trace.end_us, 100);
});

test('whatever comes, each span has one place, after its parent, and numbers add up', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const raw = wildTrace(seed, 1 + (seed % 60));
    const trace = readTrace(raw);
    assert.equal(trace.spans.length, raw.spans.length, `seed ${seed}`);
    assert.equal(new Set(trace.spans).size, raw.spans.length);
    trace.spans.forEach((span, at) => {
      assert.equal(span.index, at);
      if (span.parent) assert.ok(span.parent.index < at && at <= span.parent.index + span.parent.below);
      else assert.ok(trace.roots.includes(span));
    });
    assert.equal(
      trace.roots.reduce((sum, root) => sum + 1 + root.below, 0),
      raw.spans.length,
    );
  }
});

test('a chain of twenty thousand is no deeper than memory', () => {
  const spans = Array.from({ length: 20000 }, (_, at) =>
    jaegerSpan(String(at), at ? String(at - 1) : null, at, 50000 - at),
  );
  const trace = readTrace(jaegerTrace(spans));
  assert.equal(trace.spans.at(-1)?.depth, 19999);
});

test('ends that share an id: the server is below the client', () => {
  const kind = (value: string) => ({ tags: [{ key: 'span.kind', type: 'string', value }] });
  const trace = readTrace(
    jaegerTrace([
      jaegerSpan('x', 'x', 5, 10, kind('server')),
      jaegerSpan('x', 'a', 0, 20, kind('client')),
      jaegerSpan('a', null, 0, 30),
      jaegerSpan('b', 'x', 7, 2),
    ]),
  );
  assert.deepEqual(
    trace.spans.map((span) => `${span.depth} ${span.id} ${span.kind}`),
    ['0 a ', '1 x client', '2 x server', '3 b '],
  );
});

test('time of its own is what no child covers, overlapping ones counted once', () => {
  const trace = readTrace(
    jaegerTrace([
      jaegerSpan('a', null, 0, 100),
      jaegerSpan('b', 'a', 10, 30),
      jaegerSpan('c', 'a', 20, 30),
      jaegerSpan('d', 'a', 90, 50),
    ]),
  );
  assert.equal(selfTime(trace.spans[0]!), 100 - 40 - 10);
});
