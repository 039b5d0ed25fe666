import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Piece, piecesOf, resolved } from './pieces.ts';

const run = (from: number, to: number, size: number, exceptions?: object[]) => ({
  source: 0,
  from,
  to,
  size,
  capturedMs: 0,
  filler: false,
  continues: false,
  continued: false,
  ...(exceptions ? { exceptions: exceptions as never } : {}),
});

test('a run is cut into what was kept, rewritten and removed', () => {
  const exceptions = [
    { from: 110, length: 10, shipped: 0, by: 'drop' },
    { from: 130, length: 10, shipped: 4, by: 'mask' },
  ];
  assert.deepEqual(
    piecesOf(run(100, 150, 34, exceptions), 1000).map(({ from, to, kind, at, size, by }) => [
      from,
      to,
      kind,
      at,
      size,
      by,
    ]),
    [
      [100, 110, 'kept', 1000, 10, ''],
      [110, 120, 'removed', 1010, 0, 'drop'],
      [120, 130, 'kept', 1010, 10, ''],
      [130, 140, 'rewritten', 1020, 4, 'mask'],
      [140, 150, 'kept', 1024, 10, ''],
    ],
  );
});

test('bytes that came in order are one piece', () => {
  const pieces = [...piecesOf(run(0, 10, 10), 0), ...piecesOf(run(10, 30, 20), 10)];
  assert.deepEqual(resolved(pieces), [{ from: 0, to: 30, kind: 'kept', at: 0, size: 30, by: '' }]);
});

/** A file of 60 bytes, of which stretches came in any order, overlapping, some of them without their bytes. */
const stretches = fc.array(
  fc.record({
    from: fc.integer({ min: 0, max: 55 }),
    length: fc.integer({ min: 1, max: 30 }),
    removed: fc.boolean(),
  }),
  { maxLength: 20 },
);

test('however a file came, every byte that came is there once, in its place, and the others are known', () => {
  fc.assert(
    fc.property(stretches, (list) => {
      const source = Buffer.from(Array.from({ length: 60 }, (_, i) => i));
      const spool: number[] = [];
      const pieces: Piece[] = [];
      const state = Array<'missing' | 'kept' | 'removed'>(60).fill('missing');
      for (const { from, length, removed } of list) {
        const to = Math.min(60, from + length);
        const exceptions = [{ from, length: to - from, shipped: 0, by: 'drop' }];
        pieces.push(
          ...piecesOf(run(from, to, removed ? 0 : to - from, removed ? exceptions : undefined), spool.length),
        );
        if (!removed) spool.push(...source.subarray(from, to));
        for (let i = from; i < to; i++) if (state[i] !== 'kept') state[i] = removed ? 'removed' : 'kept';
      }
      const found = Array<string>(60).fill('missing');
      let reached = 0;
      for (const { from, to, kind, at, size } of resolved(pieces)) {
        assert.ok(from >= reached && to > from);
        reached = to;
        found.fill(kind, from, to);
        if (kind === 'kept') assert.deepEqual(spool.slice(at, at + size), [...source.subarray(from, to)]);
        else assert.equal(size, 0);
      }
      assert.deepEqual(found, state);
    }),
    { numRuns: 2_000 },
  );
});

test('a rewritten record is never written in parts, and gives way to its own bytes', () => {
  const masked = piecesOf(run(0, 20, 5, [{ from: 0, length: 20, shipped: 5, by: 'mask' }]), 0);
  assert.deepEqual(
    resolved([...masked, ...piecesOf(run(10, 20, 10), 5)]).map(({ from, to, kind }) => [from, to, kind]),
    [[10, 20, 'kept']],
  );
  assert.deepEqual(
    resolved([...masked, ...piecesOf(run(20, 30, 10), 5)]).map(({ from, to, kind }) => [from, to, kind]),
    [
      [0, 20, 'rewritten'],
      [20, 30, 'kept'],
    ],
  );
});
