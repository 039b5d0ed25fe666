import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { rotateLogs } from './log-rotation.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-rotation-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('a log above its limit moves aside and the small one stays', () => {
  writeFileSync(join(folder, 'big.log'), 'x'.repeat(11));
  writeFileSync(join(folder, 'small.log'), 'y'.repeat(10));
  rotateLogs(folder, 10);
  assert.equal(readFileSync(join(folder, 'big.log'), 'utf8'), '');
  assert.equal(readFileSync(join(folder, 'big.log.1'), 'utf8'), 'x'.repeat(11));
  assert.equal(readFileSync(join(folder, 'small.log'), 'utf8'), 'y'.repeat(10));
});
