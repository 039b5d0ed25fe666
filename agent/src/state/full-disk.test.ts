import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createWorkshop, until } from '../testing/harness.ts';

/** A file system of a megabyte, where this user may mount one. */
function smallDisk(t: TestContext, path: string): boolean {
  const disk = mkdtempSync(join(tmpdir(), 'millrace-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { timeout: 10_000 });
  if (mounted.status !== 0) return false;
  // Before the folder is removed, and whatever the agent still holds.
  t.after(() => {
    spawnSync('umount', ['-l', disk], { timeout: 10_000 });
    rmSync(disk, { recursive: true, force: true });
  });
  symlinkSync(disk, path);
  return true;
}

function fill(path: string): void {
  const { bavail, bsize } = statfsSync(path);
  writeFileSync(join(path, 'filler'), Buffer.alloc(bavail * bsize));
}

test('an agent starts on a full disk, ships from memory, and keeps its state when there is room', {
  timeout: 60_000,
}, async (t) => {
  const { dir, start } = createWorkshop(t);
  const state = join(dir, 'state');
  if (!smallDisk(t, state)) return t.diagnostic('no file system can be mounted here: nothing was tested');
  fill(state);
  writeFileSync(join(dir, 'a.log'), 'one\n');
  const { stream, stop } = start();
  await until(() => stream.texts().includes('one\n'), 'the first line, from memory');
  rmSync(join(state, 'filler'));
  // The agent tries again every five seconds.
  await until(() => existsSync(join(state, 'positions.db')), 'the store on the disk');
  writeFileSync(join(dir, 'a.log'), 'two\n', { flag: 'a' });
  await until(() => stream.texts().includes('two\n'), 'the second line');
  assert.equal(await stop(), true);
  const again = start({ stream });
  writeFileSync(join(dir, 'a.log'), 'three\n', { flag: 'a' });
  await until(() => stream.texts().includes('three\n'), 'the third line');
  assert.equal(await again.stop(), true);
  assert.deepEqual(stream.texts(), ['one\n', 'two\n', 'three\n'], 'the position was kept');
});

test('an agent with a store starts on a disk that has become full', { timeout: 60_000 }, async (t) => {
  const { dir, start } = createWorkshop(t);
  const state = join(dir, 'state');
  if (!smallDisk(t, state)) return t.diagnostic('no file system can be mounted here: nothing was tested');
  writeFileSync(join(dir, 'a.log'), 'one\n');
  const first = start({ output: { outboxBytes: 64 * 1024 } });
  await until(() => first.stream.records().length === 1, 'the first line');
  assert.equal(await first.stop(), true);
  fill(state);
  writeFileSync(join(dir, 'a.log'), 'two\n', { flag: 'a' });
  const { stream, stop } = start({ output: { outboxBytes: 64 * 1024 } });
  await until(() => stream.texts().includes('two\n'), 'the second line');
  rmSync(join(state, 'filler'));
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts(), ['two\n'], 'from the position that was stored');
});
