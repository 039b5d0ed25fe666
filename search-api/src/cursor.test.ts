import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMillraceError } from '@millrace/core/errors.ts';
import fc from 'fast-check';
import { type Cursor, decodeCursor, encodeCursor } from './cursor.ts';

const query = { q: 'error', from: 'now-15m', to: '*' };
const cursor: Cursor = {
  nowMs: 1_790_000_000_000,
  order: 'desc',
  side: 'next',
  values: ['2026-11-22T10:00:00.123456789Z', '/var/log/a.log', 'g', 42, null],
};

test('a cursor comes back as it went', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
    fc.integer(),
    fc.constant(null),
  );
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 5, maxLength: 5 }),
      fc.constantFrom('asc', 'desc'),
      fc.constantFrom('next', 'previous'),
      fc.constantFrom(undefined, { value: 10_000, relation: 'gte' as const }),
      fc.constantFrom(undefined, 'a point'),
      (values, order, side, total, point) => {
        const some: Cursor = { nowMs: 1, order, side, values, total, point };
        const text = encodeCursor(some, query);
        assert.match(text, /^[A-Za-z0-9_-]+$/);
        assert.deepEqual(decodeCursor(text, query, order), some);
      },
    ),
  );
});

test('a cursor with any character changed, cut or added is refused', () => {
  const text = encodeCursor(cursor, query);
  const original = Buffer.from(text, 'base64url');
  const refused = (changed: string) =>
    assert.throws(
      () => decodeCursor(changed, query, 'desc'),
      (error) => isMillraceError(error, 'QUERY_INVALID'),
      changed,
    );
  for (let at = 0; at < original.length; at++) {
    const changed = Buffer.from(original);
    changed[at] = (changed[at] ?? 0) ^ 1;
    refused(changed.toString('base64url'));
  }
  for (let length = 0; length < text.length - 1; length++) refused(text.slice(0, length));
  for (const changed of [`${text}AAAA`, `${text}!`, 'null', 'W10', 'x'.repeat(20_000)]) refused(changed);
});

test('a cursor belongs to its query and direction', () => {
  const text = encodeCursor(cursor, query);
  const others = [
    { ...query, q: 'errors' },
    { ...query, from: 'now-1h' },
    { ...query, to: 'now' },
    { ...query, stream: 'app' },
  ];
  for (const other of others)
    assert.throws(() => decodeCursor(text, other, 'desc'), /belongs to another query/);
  assert.throws(() => decodeCursor(text, query, 'asc'), /other sort direction/);
});

test('a cursor of a newer version is refused, whatever it holds', () => {
  const text = Buffer.from(JSON.stringify([3, 'anything'])).toString('base64url');
  assert.throws(() => decodeCursor(text, query, 'desc'), /of another version/);
});
