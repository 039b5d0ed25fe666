import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reminder } from './reminder.ts';

test('what lasts is due when it begins, each minute, and anew when it was over', () => {
  let now = 0;
  const reminder = new Reminder({ monotonic: () => now });
  const due = [];
  for (; now < 200_000; now += 10_000) if (reminder.due()) due.push(now);
  assert.deepEqual(due, [0, 60_000, 120_000, 180_000]);
  reminder.over();
  assert.ok(reminder.due());
  assert.ok(!reminder.due());
});
