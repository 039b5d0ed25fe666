import assert from 'node:assert/strict';
import { test } from 'node:test';
import { absolute, absoluteBaseline, boundsOf, quickName, readTime, shifted, widened } from './ranges.ts';

const now = Date.UTC(2026, 10, 23, 12);

test('ranges of one click are known by their names', () => {
  assert.equal(quickName({ from: 'now-15m', to: '*' }), '15m');
  assert.equal(quickName({ from: 'now-15m', to: 'now' }), '15m');
  assert.equal(quickName({ from: 'now-16m', to: '*' }), undefined);
  assert.equal(quickName({ from: 'now-15m', to: 'now-5m' }), undefined);
});

test('a typed time is understood, or says what is wrong with it', () => {
  assert.deepEqual(readTime(' now-1h ', now, false), { ms: now - 3_600_000 });
  assert.deepEqual(readTime('2026-11-22', now, true), { ms: Date.UTC(2026, 10, 23) - 1 });
  assert.deepEqual(readTime('1h', now, false), {
    problem: '"1h" is not a time',
    hint: 'did you mean now-1h?',
  });
});

test('a link means the same tomorrow', () => {
  assert.deepEqual(absolute({ from: 'now-1h', to: '*' }, now), {
    from: '2026-11-23T11:00:00.000Z',
    to: '2026-11-23T12:00:00.000Z',
  });
  assert.equal(absolute({ from: '*', to: '*' }, now).from, '*');
});

test('steps in time have the width of the range', () => {
  assert.deepEqual(shifted({ from: 'now-1h', to: '*' }, -1, now), {
    from: '2026-11-23T10:00:00.000Z',
    to: '2026-11-23T11:00:00.000Z',
  });
  assert.deepEqual(shifted({ from: '*', to: '*' }, 1, now), { from: '*', to: '*' });
});

test('zooming out takes as much again, and never ends later than now', () => {
  const { fromMs, toMs } = boundsOf(widened({ from: 'now-2h', to: '*' }, now), now);
  assert.deepEqual([fromMs, toMs], [now - 3 * 3_600_000, now]);
});

test('a link compares with the same times tomorrow', () => {
  const nowMs = Date.UTC(2026, 10, 23, 12);
  assert.equal(absoluteBaseline('previous', nowMs), 'previous');
  assert.equal(
    absoluteBaseline('now-2h..now-1h', nowMs),
    '2026-11-23T10:00:00.000Z..2026-11-23T11:00:00.000Z',
  );
});
