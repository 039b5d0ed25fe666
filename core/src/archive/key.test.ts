import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ArchiveKey, archiveHourPrefix, archiveKey, hourMs, parseArchiveKey } from './key.ts';

const key: ArchiveKey = {
  prefix: 'team/',
  stream: 'web_01',
  hourMs: Date.parse('2026-02-03T04:00:00Z'),
  shard: 'shardId-000000000007',
  firstSequence: '49671234567890123456789012345678901234567890123456789012',
  suffix: '0a1b2c3d',
};
const text =
  'team/archive/web_01/2026/02/03/04/shardId-000000000007/49671234567890123456789012345678901234567890123456789012-0a1b2c3d.zst';

test('a key names stream, arrival hour, shard, first sequence number and a random suffix', () => {
  assert.equal(archiveKey(key), text);
  assert.deepEqual(parseArchiveKey(text, 'team/'), key);
});

test('any time of an hour gives the folder of that hour', () => {
  const folder = 'archive/logs/2026/02/03/04/';
  for (const offset of [0, 1, hourMs - 1])
    assert.equal(archiveHourPrefix('', 'logs', key.hourMs + offset), folder);
});

test('what is not an archive key is not parsed', () => {
  const bad = [
    '',
    text,
    'team/archive/web_01/2026/02/03/04/shardId-000000000007/1-0a1b2c3d.zst.part',
    'team/archive/Web/2026/02/03/04/s/1-0a1b2c3d.zst',
    'team/archive/web/2026/13/03/04/s/1-0a1b2c3d.zst',
    'team/archive/web/2026/02/03/24/s/1-0a1b2c3d.zst',
    'team/archive/web/2026/02/31/04/s/1-0a1b2c3d.zst',
    'team/archive/web/2026/02/03/04/../1-0a1b2c3d.zst',
    'team/set-aside/web/s/1-0a1b2c3d.zst',
  ];
  for (const item of bad) assert.equal(parseArchiveKey(item, item === text ? '' : 'team/'), undefined, item);
});

test('a name that would climb out of its folder is refused', () => {
  assert.throws(() => archiveKey({ ...key, stream: '../x' }), { code: 'ARCHIVE_CORRUPT' });
  assert.throws(() => archiveKey({ ...key, shard: 'a/b' }), { code: 'ARCHIVE_CORRUPT' });
});
