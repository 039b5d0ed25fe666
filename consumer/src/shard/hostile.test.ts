import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { attacks } from '@millrace/core/testing/attacks.ts';
import { archived, block, delivered, setUp } from '../testing/shard-bench.ts';

// As the consumer's processes are started.
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');

test('hostile blocks, one after another, are archived or set aside, and the shard goes on', async () => {
  const { start, process, clock, objects, store, checkpoints, failures } = setUp();
  await start();
  const blocks = Object.values(attacks).map(({ block: make }) => make());
  const records = blocks.map((data, i) => delivered(i + 1, data));
  // In an object of its own: the filler sees to one that holds what cannot be rendered.
  assert.ok(await process([...records, block(records.length + 1, 'after')], 20_000));
  await clock.advance(120_000);
  await process([]);
  assert.deepEqual(failures, []);
  assert.deepEqual(checkpoints, [String(records.length + 1)]);
  assert.ok([...store.held.values()].some(({ source }) => source.message === `line ${records.length + 1}`));
  const refused = Object.values(attacks).filter(({ outcome }) => outcome.refused !== undefined).length;
  const kept = archived(objects).flatMap((footer) => footer.blocks).length;
  assert.equal(kept, records.length - refused + 1);
});
