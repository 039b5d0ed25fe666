import assert from 'node:assert/strict';
import { test } from 'node:test';
import { indexNames } from '@millrace/core/document/index-name.ts';
import fc from 'fast-check';
import { eventIndices } from './indices.ts';

const ns = (time: string) => BigInt(Date.parse(time)) * 1_000_000n;

/** As engines match names of indices. */
function matches(patterns: string[], index: string): boolean {
  return patterns.some((pattern) =>
    new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(index),
  );
}

test('every event of a time is in an index that is asked, whenever it was captured', () => {
  const seconds = fc.integer({ min: 0, max: 9_223_372_036 });
  const about = (at: number) =>
    fc.integer({ min: 0, max: 90 * 86_400 }).map((more) => Math.min(at + more, 9_223_372_036));
  fc.assert(
    fc.property(
      seconds.chain((from) => fc.tuple(fc.constant(from), fc.oneof(seconds, about(from)), seconds)),
      fc.boolean(),
      fc.double({ min: 0, max: 1, noNaN: true }),
      ([a, b, captured], open, place) => {
        const [from, to] = a < b ? [a, b] : [b, a];
        const event = Math.floor(from + (to - from) * place);
        const second = 1_000_000_000n;
        const bounds = [BigInt(from) * second, open ? undefined : BigInt(to) * second] as const;
        for (const stream of ['logs_2', undefined]) {
          const patterns = eventIndices(stream, ...bounds);
          assert.ok(patterns.join().length <= 3_000);
          for (const seen of [captured, event]) {
            const index = indexNames('logs_2')(event, seen);
            assert.ok(matches(patterns, index), `${index} of ${patterns}`);
            assert.ok(matches(patterns, index.replace('logs_2-', 'logs_2-replayed-')));
          }
        }
        assert.ok(!matches(eventIndices('logs', ...bounds), indexNames('logs_2')(event, event)));
      },
    ),
    { numRuns: 2_000 },
  );
});

test('of a short time few indices are asked', () => {
  const day = eventIndices('app', ns('2026-11-22T10:00:00Z'), ns('2026-11-22T23:59:59.999Z'));
  const names = ['millrace-app-2026.11', 'millrace-app-2026.11.22'];
  assert.deepEqual(
    day,
    names.flatMap((name) => [name, name.replace('-2026', '-replayed-2026')]),
  );
  const month = eventIndices(undefined, ns('2026-11-01T00:00:00Z'), ns('2026-12-03T00:00:00Z'));
  const dates = ['2026.11*', '2026.12', '2026.12.01', '2026.12.02', '2026.12.03'];
  assert.deepEqual(
    month,
    dates.map((date) => `millrace-*-${date}`),
  );
  const open = eventIndices(undefined, ns('2026-11-22T10:00:00Z'), undefined);
  for (const past of ['app-2026.11.21', 'app-2026.10', 'app-2026.10.23', 'app-2025.11.22', 'app-2022.11.22'])
    assert.ok(!matches(open, `millrace-${past}`), past);
  assert.ok(open.length < 30);
});

test('without a beginning, and when the names would be too long, all indices of the stream are asked', () => {
  assert.deepEqual(eventIndices('app', undefined, 0n), ['millrace-app-*.*']);
  assert.deepEqual(eventIndices(undefined, undefined, undefined), ['millrace-*-*.*']);
  const long = 'x'.repeat(100);
  assert.deepEqual(eventIndices(long, ns('2026-01-02T00:00:00Z'), undefined), [`millrace-${long}-*.*`]);
});
