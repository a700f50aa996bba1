import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockDifferences, pairEnds, skewOf } from '../src/model/exchange';
import { readTrace } from '../src/model/trace';
import { jaegerSpan, jaegerTrace, random } from './traces';

const tags = (kind: string, wire?: string) => ({
  tags: [
    { key: 'span.kind', type: 'string', value: kind },
    ...(wire ? [{ key: 'wirespan.wire_id', type: 'string', value: wire }] : []),
  ],
});

function ends(client: [number, number], server: [number, number]) {
  const trace = readTrace(
    jaegerTrace([
      jaegerSpan('c', null, ...client, tags('client', 'w')),
      jaegerSpan('s', 'c', ...server, tags('server', 'w')),
    ]),
  );
  return { trace, exchange: pairEnds(trace).get(trace.spans[0]!)! };
}

test('ends are joined by the wire’s name before parent and child', () => {
  const trace = readTrace(
    jaegerTrace([
      jaegerSpan('c', null, 0, 10, tags('client', 'w')),
      jaegerSpan('d', 'c', 1, 8, tags('client')),
      jaegerSpan('s', 'd', 2, 6, tags('server', 'w')),
    ]),
  );
  const pairs = pairEnds(trace);
  assert.equal(pairs.size, 2);
  assert.equal(pairs.get(trace.spans[2]!)?.client.id, 'c');
});

test('an answer within its request says nothing about clocks', () => {
  assert.deepEqual(skewOf(ends([100, 50], [110, 30]).exchange), { shift_us: 0, longer: false });
});

test('the least shift that explains the times is told, and its direction', () => {
  assert.equal(skewOf(ends([100, 50], [70, 30]).exchange).shift_us, 30);
  assert.equal(skewOf(ends([100, 50], [140, 30]).exchange).shift_us, -20);
  assert.deepEqual(skewOf(ends([100, 50], [90, 90]).exchange), { shift_us: 0, longer: true });
});

test('a shifted clock is never told as more than it is', () => {
  const next = random(7);
  for (let at = 0; at < 500; at++) {
    const there = Math.floor(next() * 200);
    const lasts = Math.floor(next() * 1000);
    const back = Math.floor(next() * 200);
    const skew = Math.floor((next() - 0.5) * 4000);
    const { exchange, trace } = ends([5000, there + lasts + back], [5000 + there + skew, lasts]);
    const { shift_us } = skewOf(exchange);
    assert.ok(Math.abs(shift_us) <= Math.abs(skew));
    if (shift_us !== 0) assert.equal(Math.sign(shift_us), -Math.sign(skew));
    assert.equal(clockDifferences(pairEnds(trace)).length, shift_us === 0 ? 0 : 1);
  }
});
