import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration, parseDuration } from '../src/format/duration';
import { bytes, count, percent, rate } from '../src/format/number';
import { heatOf, stepFor } from '../src/model/buckets';
import { layOut } from '../src/views/map/layout';
import { parseAttributes } from '../src/views/search/question';

test('durations have three digits that mean something', () => {
  const expected: [number, string][] = [
    [0, '0 µs'],
    [0.4, '0.4 µs'],
    [999, '999 µs'],
    [1000, '1.00 ms'],
    [12345, '12.3 ms'],
    [999499, '999 ms'],
    [999500, '1.00 s'],
    [65e6, '1 m 05 s'],
    [3725e6, '1 h 02 m'],
    [-2290, '−2.29 ms'],
  ];
  for (const [us, text] of expected) assert.equal(duration(us), text);
});

test('durations are read in the units that people write', () => {
  const expected: [string, number | null][] = [
    ['1.5s', 1.5e6],
    ['300ms', 3e5],
    ['20us', 20],
    ['20 µs', 20],
    ['250', 25e4],
    ['fast', null],
    ['', null],
    ['-1s', null],
  ];
  for (const [text, us] of expected) assert.equal(parseDuration(text), us, text);
});

test('what is not zero does not read as zero', () => {
  assert.equal(percent(0), '0 %');
  assert.equal(percent(0.0001), '<0.1 %');
  assert.equal(percent(0.0347), '3.5 %');
  assert.equal(percent(0.5), '50 %');
  assert.equal(rate(0.005), '0.30/min');
  assert.equal(rate(0.0001), '0.36/h');
  assert.equal(rate(12345), '12.3k/s');
  assert.equal(count(1234567), '1,234,567');
  assert.equal(bytes(1536), '1.5 KiB');
});

test('attributes are read, quoted ones too; anything else is not guessed at', () => {
  assert.deepEqual(parseAttributes('a=1 b.c="two words" d:3'), { a: '1', 'b.c': 'two words', d: '3' });
  assert.deepEqual(parseAttributes('say="a \\"word\\""'), { say: 'a "word"' });
  assert.deepEqual(parseAttributes('   '), {});
  assert.deepEqual(parseAttributes('url=http://x/?a=b'), { url: 'http://x/?a=b' });
  for (const wrong of ['a', '=1', 'a=1 b', 'a="open']) assert.equal(parseAttributes(wrong), null, wrong);
});

test('the heat map loses no exchange', () => {
  const rates = { count: 0, errors: 0, from_metrics: 0, p50_us: 0, p95_us: 0, p99_us: 0 };
  const points = [
    {
      ...rates,
      t_s: 0,
      buckets: [
        [1.5, 3],
        [900, 2],
        [5e6, 1],
      ] as [number, number][],
    },
    { ...rates, t_s: 10, buckets: [[901, 7]] as [number, number][] },
  ];
  const heat = heatOf({ step_s: 10, points });
  assert.ok(heat);
  assert.deepEqual(
    heat.cells.map((column) => column.reduce((sum, times) => sum + times, 0)),
    [6, 7],
  );
  assert.ok(heat.rows.length <= 32);
  assert.equal(heat.most, 7);
  assert.equal(heatOf({ step_s: 10, points: [] }), null);
});

test('steps are multiples of what the store has left', () => {
  assert.equal(stepFor(900, 900), 10);
  assert.equal(stepFor(3600, 3600) % 60, 0);
  assert.equal(stepFor(300, 90000) % 600, 0);
});

test('no boxes of the map touch, with few services and with many, circles among them', () => {
  for (const many of [5, 40, 41, 300]) {
    const nodes = Array.from({ length: many }, (_, at) => `s${at}`);
    const edges = nodes.flatMap((name, at): [string, string][] => [
      [name, `s${(at * 7 + 1) % many}`],
      [name, `s${Math.floor(at / 3)}`],
    ]);
    const layout = layOut({ nodes, edges }, 1.6);
    const boxes = Object.values(layout.boxes);
    assert.equal(boxes.length, many);
    boxes.forEach((one, at) => {
      assert.ok(one.x > 0 && one.x < layout.width && one.y > 0 && one.y < layout.height);
      for (const other of boxes.slice(at + 1)) {
        assert.ok(
          Math.abs(one.x - other.x) >= layout.node_width || Math.abs(one.y - other.y) >= layout.node_height,
          `${many}`,
        );
      }
    });
  }
});
