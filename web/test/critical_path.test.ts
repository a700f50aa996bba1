import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byService, criticalPath } from '../src/model/critical_path';
import { readTrace } from '../src/model/trace';
import { jaegerSpan, jaegerTrace, wildTrace } from './traces';

const told = (spans: ReturnType<typeof jaegerSpan>[]) =>
  criticalPath(readTrace(jaegerTrace(spans))).map(
    ({ span, from_us, to_us }) => `${span.id} ${from_us}-${to_us}`,
  );

test('a span waits for its last child, then for the one before that', () => {
  assert.deepEqual(
    told([jaegerSpan('a', null, 0, 100), jaegerSpan('b', 'a', 10, 30), jaegerSpan('c', 'a', 50, 40)]),
    ['a 0-10', 'b 10-40', 'a 40-50', 'c 50-90', 'a 90-100'],
  );
});

test('of two at a time the one that ended last counts', () => {
  assert.deepEqual(
    told([jaegerSpan('a', null, 0, 100), jaegerSpan('b', 'a', 10, 80), jaegerSpan('c', 'a', 20, 40)]),
    ['a 0-10', 'b 10-90', 'a 90-100'],
  );
});

test('a child that outlives its parent counts up to the parent’s end, one that begins before it from its start', () => {
  assert.deepEqual(
    told([jaegerSpan('a', null, 10, 90), jaegerSpan('b', 'a', 5, 20), jaegerSpan('c', 'a', 80, 100)]),
    ['b 10-25', 'a 25-80', 'c 80-100'],
  );
});

test('it covers the longest root exactly, without a gap or an overlap, whatever the trace', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const trace = readTrace(wildTrace(seed, 1 + (seed % 60)));
    const root = trace.roots.reduce((best, span) => (span.duration_us > best.duration_us ? span : best));
    const path = criticalPath(trace);
    let at = root.start_us;
    for (const { span, from_us, to_us } of path) {
      assert.equal(from_us, at, `seed ${seed}`);
      assert.ok(to_us > from_us && from_us >= span.start_us && to_us <= span.end_us, `seed ${seed}`);
      at = to_us;
    }
    assert.equal(at, root.end_us, `seed ${seed}`);
    assert.equal(
      byService(path).reduce((sum, share) => sum + share.us, 0),
      root.duration_us,
    );
  }
});
