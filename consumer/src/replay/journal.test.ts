import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Journal } from './journal.ts';

test('notes of two that run alike do not spoil each other; a torn line costs only itself', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-journal-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'state.jsonl');
  const first = new Journal(file, { a: 1 }, 5);
  const second = new Journal(file, { a: 1 }, 6);
  first.remove();
  second.add('k', {});
  assert.equal(existsSync(file), false);
  const third = new Journal(file, { a: 1 }, 7);
  third.add('x', {});
  appendFileSync(file, '{"object":"torn","cou');
  const fourth = new Journal(file, { a: 1 }, 8);
  assert.equal(fourth.nowMs, 7);
  fourth.add('y', {});
  assert.deepEqual([...new Journal(file, { a: 1 }, 9).done], ['x', 'y']);
});
