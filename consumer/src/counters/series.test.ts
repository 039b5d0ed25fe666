import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '@millrace/core/testing/virtual-clock.ts';
import { type Count, Series } from './series.ts';

function setUp(seriesMax = 10, heldMax = 100) {
  const clock = virtualClock();
  return { clock, series: new Series({ seriesMax, heldMax, clock }) };
}

const rows = (counts: Count[]) =>
  counts.map(({ minute, events, values }) => [minute, events, ...(values ?? ['(other)'])].join(' ')).sort();

test('events are counted by values and minute, and handed out once', () => {
  const { series } = setUp();
  for (const status of [200, 404, 200]) series.add(['a', status], 7, 1);
  series.add(['a', 200], 8, 5);
  series.add(['a', 200], 7, 1);
  series.add(['b', undefined], -3, 2);
  assert.equal(series.held, 4);
  assert.deepEqual(rows(series.take()), ['-3 2 b ', '7 1 a 404', '7 3 a 200', '8 5 a 200']);
  assert.deepEqual(series.take(), []);
  series.add(['a', 200], 7, 1);
  assert.deepEqual(rows(series.take()), ['7 1 a 200'], 'what is late is counted by itself');
});

test('the first combinations stay told apart, all further ones are one, however many there are', () => {
  const { series } = setUp(2);
  for (let i = 0; i < 10_000; i++) series.add([`tag ${i}`], 1, 1);
  assert.equal(series.held, 3);
  assert.deepEqual(rows(series.take()), ['1 1 tag 0', '1 1 tag 1', '1 9998 (other)']);
  series.add(['tag 9'], 2, 1);
  series.add(['tag 1'], 2, 1);
  series.add(undefined, 2, 4);
  assert.deepEqual(rows(series.take()), ['2 1 tag 1', '2 5 (other)']);
});

test('a combination without events for an hour gives its place up', async () => {
  const { series, clock } = setUp(2);
  series.add(['a', 1], 1, 1);
  series.add(['a', 2], 1, 1);
  series.take();
  await clock.advance(1_800_000);
  series.add(['a', 2], 31, 1);
  series.take();
  await clock.advance(1_800_000);
  assert.deepEqual(rows(series.take()), []);
  for (const value of [2, 3, 4]) series.add(['a', value], 61, 1);
  assert.deepEqual(rows(series.take()), ['61 1 (other)', '61 1 a 2', '61 1 a 3']);
});

test('minutes are bounded too: one that does not fit is refused, those that are there go on', () => {
  const { series } = setUp(10, 3);
  for (const minute of [1, 2, 3]) assert.ok(series.add(['a'], minute, 1));
  assert.equal(series.add(['a'], 4, 1), false);
  assert.equal(series.add(['b'], 1, 1), false);
  assert.ok(series.add(['a'], 2, 1));
  assert.deepEqual(rows(series.take()), ['1 1 a', '2 2 a', '3 1 a']);
  assert.ok(series.add(['a'], 4, 1));
});

test('where not all may be handed out it is what is nearest to now; the rest waits', () => {
  const { series } = setUp(1);
  for (let minute = 0; minute < 20; minute++) series.add([minute % 2 === 0 ? 'a' : 'b'], minute, 1);
  assert.deepEqual(rows(series.takeNearest(3, 10.4)), ['10 1 a', '11 1 (other)', '9 1 (other)']);
  assert.equal(series.held, 17);
  assert.equal(series.take().length, 17);
});

test('half of what is held makes room: what is farthest from now is given up', () => {
  const { series } = setUp(1, 10);
  for (let minute = 0; minute < 10; minute++) series.add(['a'], minute, 2);
  assert.equal(series.add(['a'], 10, 1), false);
  assert.equal(series.thin(10), 10);
  assert.ok(series.add(['a'], 10, 1));
  assert.deepEqual(rows(series.take()), ['10 1 a', '5 2 a', '6 2 a', '7 2 a', '8 2 a', '9 2 a']);
});

test('a value is cut where no value of a metric can be that long', () => {
  const { series } = setUp();
  const long = 'x'.repeat(255);
  series.add([`${long}one`], 1, 1);
  series.add([`${long}two`], 1, 1);
  assert.deepEqual(rows(series.take()), [`1 2 ${long}`]);
});
