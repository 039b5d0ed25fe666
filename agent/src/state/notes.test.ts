import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock, VirtualTime } from '../testing/virtual-clock.ts';
import { StateDatabase } from './database.ts';

test('notes are forgotten when their time is over, and beyond the bound those whose time is over next', async () => {
  const time = new VirtualTime(0, () => 0.5);
  const db = new StateDatabase(undefined, new VirtualClock(time));
  const notes = Array.from({ length: 10 }, (_, i) => ({ key: `k${i}`, value: 'v', keepMs: 1_000 * (i + 1) }));
  db.apply({ notes: [...notes, { key: 'cursor', value: 'c', keepMs: 1e12 }] });
  await time.advance(1_500);
  assert.equal(db.note('k0'), undefined);
  assert.equal(db.expireNotes(100), 0);
  assert.equal(db.expireNotes(4), 6);
  assert.deepEqual(
    ['k6', 'k7', 'k8', 'k9', 'cursor'].map((key) => db.note(key)),
    [undefined, 'v', 'v', 'v', 'c'],
  );
  db.close();
});
