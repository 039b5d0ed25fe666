import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fetchNode, nodeRelease } from './node-release.ts';
import { stripElf } from './strip.ts';

const root = join(import.meta.dirname, '../../..');

test('a stripped executable is smaller, runs, and stays as it is when stripped again', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-strip-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const host = process.arch === 'arm64' ? 'arm64' : 'x64';
  const folder = await fetchNode(join(root, '.millrace', 'package'), host, () => undefined);
  const node = readFileSync(join(folder, 'bin', 'node'));
  const stripped = stripElf(node);
  assert.ok(stripped.length < node.length);
  const file = join(dir, 'node');
  writeFileSync(file, stripped, { mode: 0o755 });
  assert.equal(execFileSync(file, ['--version'], { encoding: 'utf8' }), `v${nodeRelease.version}\n`);
  assert.deepEqual(stripElf(stripped), stripped);
});

test('what is no 64-bit little-endian ELF executable is refused', () => {
  const elf32 = Buffer.from('7f454c46010101', 'hex');
  for (const file of [Buffer.from('#!/bin/sh\n'), elf32]) {
    assert.throws(() => stripElf(file), { code: 'ENGINE_FAILED' });
  }
});
