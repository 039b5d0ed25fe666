import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { eventId, foreignGeneration } from './event-id.ts';
import { generationText, mintGeneration } from './generation.ts';
import { assertStreamName, isStreamName } from './stream-name.ts';

const clock = { now: () => 0x0123456789ab, bytes: (size: number) => Buffer.alloc(size, 0xff) };

test('a generation is a UUIDv7 of the time it was minted', () => {
  assert.equal(mintGeneration(clock).toString('hex'), '0123456789ab7fffbfffffffffffffff');
});

test('an event id is generation, offset and checksum in 35 characters', () => {
  const id = eventId(mintGeneration(clock), 0x010203040506, 0xdeadbeef);
  assert.equal(id.length, 35);
  assert.equal(
    Buffer.from(id, 'base64url').toString('hex'),
    '0123456789ab7fffbfffffffffffffff010203040506deadbeef',
  );
  assert.ok(id.startsWith(generationText(mintGeneration(clock)).slice(0, 21)));
});

test('two records share an id only when generation, offset and bytes are equal', () => {
  const record = fc.tuple(
    fc.constantFrom(1, 2),
    fc.constantFrom(0, 1, 2 ** 47),
    fc.constantFrom('foo', 'foobar\n'),
  );
  fc.assert(
    fc.property(record, record, (a, b) => {
      const [x, y] = [a, b].map(([seed, offset, text]) =>
        eventId(Buffer.alloc(16, seed), offset, crc32(text)),
      );
      assert.equal(x === y, JSON.stringify(a) === JSON.stringify(b));
    }),
  );
});

test('a foreign record has one generation, whatever delivers it, and never that of a file', () => {
  const origin = { stream: 's', shard: 'shardId-0', sequence: '49', subSequence: 3 };
  const generation = foreignGeneration(origin);
  assert.equal(generation.toString('hex'), 'f77436e52e0b890abac14e392c91fc49');
  assert.equal((generation[6] ?? 0) >> 4, 8);
  assert.deepEqual(foreignGeneration({ ...origin }), generation);
  for (const other of [{ stream: 't' }, { shard: 'shardId-1' }, { sequence: '50' }, { subSequence: 4 }]) {
    assert.notDeepEqual(foreignGeneration({ ...origin, ...other }), generation);
  }
});

test('a stream name holds nothing that an index pattern splits at', () => {
  for (const good of ['logs', 'a', 'web_01', 'x'.repeat(100)]) assert.ok(isStreamName(good), good);
  for (const bad of ['', 'Logs', 'a-b', 'a.b', 'a*', 'x'.repeat(101), 'é']) {
    assert.throws(() => assertStreamName(bad, 'file:3'), { code: 'CONFIG_INVALID', message: /^file:3: / });
  }
});
