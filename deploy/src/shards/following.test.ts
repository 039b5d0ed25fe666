import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Follow, following, watchLeases } from './following.ts';
import type { Lease, Shard } from './ports.ts';
import { FakeKinesis } from './testing/fake-kinesis.ts';

const shard = (id: string, parents: string[] = [], open = true): Shard => ({
  id,
  parents,
  open,
  from: 0n,
  to: 9n,
});
const lease = (id: string, checkpoint = '49', owner: string | undefined = 'w'): Lease => ({
  shard: id,
  owner,
  counter: '1',
  checkpoint,
});
const tree = [shard('a', [], false), shard('b', ['a']), shard('c', ['a'])];

test('how the consumer follows is told by its leases and the parents of each shard', () => {
  const cases: [string, Shard[], Lease[], Follow[]][] = [
    ['nothing was split', [shard('a')], [lease('a')], ['read']],
    ['no lease', [shard('a')], [], ['new']],
    ['nobody holds it', [shard('a')], [{ ...lease('a'), owner: undefined }], ['unheld']],
    ['the parent is still read', tree, [lease('a')], ['read', 'parent', 'parent']],
    [
      'the parent was read to its end, nobody knows its children',
      tree,
      [lease('a', 'SHARD_END')],
      ['ended', 'new', 'new'],
    ],
    ['one child is taken', tree, [lease('a', 'SHARD_END'), lease('b')], ['ended', 'read', 'new']],
    ['the lease of the parent was cleaned up', tree, [lease('b'), lease('c')], ['ended', 'read', 'read']],
    [
      'a child has its lease before its parent is read',
      tree,
      [lease('a'), lease('b')],
      ['read', 'parent', 'parent'],
    ],
    ['a closed shard that nobody began', tree, [], ['new', 'parent', 'parent']],
    ['the stream has forgotten the parent', [shard('b', ['a'])], [lease('b')], ['read']],
    [
      'the lease of a grandparent was cleaned up',
      [shard('a', [], false), shard('b', ['a'], false), shard('c', ['b'])],
      [lease('c')],
      ['ended', 'ended', 'read'],
    ],
    [
      'one parent of two is still read',
      [shard('a', [], false), shard('b', [], false), shard('c', ['a', 'b'])],
      [lease('a', 'SHARD_END'), lease('b'), lease('c')],
      ['ended', 'read', 'parent'],
    ],
  ];
  for (const [what, shards, leases, expected] of cases)
    assert.deepEqual([...following(shards, leases).values()], expected, what);
});

test('a lease that is held and not renewed is one that nobody reads; one that moves costs no waiting', async () => {
  const dead = new FakeKinesis({ shards: 3, consumer: 'stopped' });
  const watched = await watchLeases(dead.world.leases, 10_000, dead.world.clock);
  assert.equal(watched.unread.length, 3);
  const alive = new FakeKinesis({ shards: 3 });
  const fromMs = alive.nowMs;
  assert.deepEqual((await watchLeases(alive.world.leases, 10_000, alive.world.clock)).unread, []);
  assert.ok(alive.nowMs - fromMs < 10_000);
  assert.equal(
    (await watchLeases(new FakeKinesis({ consumer: 'absent' }).world.leases, 1, alive.world.clock)).leases,
    undefined,
  );
});
