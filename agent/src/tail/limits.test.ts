import assert from 'node:assert/strict';
import { appendFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { TailSource } from '../config/pipeline.ts';
import { createWorkshop, plainSource, until } from '../testing/harness.ts';
import type { TailedFile } from './file.ts';
import { ReadLimits } from './limits.ts';

function fileOf(source: Partial<TailSource>, path = '/x.log'): TailedFile {
  return { source: { ...plainSource, ...source }, path } as TailedFile;
}

test('of one file no more is read in a second than its limit, whatever the size of a read is', () => {
  const limits = new ReadLimits();
  const file = fileOf({ readBytesPerSecond: 10_000 });
  let read = 0;
  for (let now = 0; now < 60_000; now += 100) {
    const allowed = limits.allow(file, 1_000_000, now);
    if ('waits' in allowed) continue;
    // A read may bring a little more than was asked for.
    const bytes = allowed.bytes + 7;
    limits.spend(file, bytes, Buffer.alloc(0));
    read += bytes;
    assert.ok(read <= (Math.floor(now / 1000) + 1) * 10_000 + 7, `${read} bytes after ${now} ms`);
  }
  assert.ok(read > 59 * 10_000, `${read}: nearly all that a minute allows`);
});

test('the files of a group share its lines; a file that no rule takes has no limit', () => {
  const limits = new ReadLimits();
  const pattern = /\/(?<team>[a-z]+)-\d\.log$/;
  const rules = [{ match: [['team', /^shop$/] as [string, RegExp]], limit: 10 }];
  const source: TailSource = { ...plainSource, group: { pattern, ratePeriodMs: 60_000, rules } };
  const [one, two, other] = ['/shop-1.log', '/shop-2.log', '/bank-1.log'].map(
    (path) => ({ source, path }) as TailedFile,
  );
  assert.ok(one && two && other);
  limits.allow(one, 1000, 0);
  limits.spend(one, 60, Buffer.from('line\n'.repeat(6)));
  assert.ok('bytes' in limits.allow(two, 1000, 0), 'four lines are left');
  limits.spend(two, 60, Buffer.from('line\n'.repeat(9)));
  assert.deepEqual(limits.allow(one, 1000, 59_999), { waits: 'group' });
  assert.deepEqual(limits.allow(other, 1000, 0), { bytes: 1000 });
  assert.ok('bytes' in limits.allow(one, 1000, 60_000), 'the next period');
});

test('everything in a file arrives although its reading is limited', async (t) => {
  const { dir, start } = createWorkshop(t);
  const line = `${'x'.repeat(99)}\n`;
  writeFileSync(join(dir, 'a.log'), line.repeat(150));
  const { stream, done } = start({ once: true, source: { readBytesPerSecond: 10_000 } });
  assert.equal(await done, true);
  assert.equal(stream.records().length, 150);
});

test('a compressed file is read to the end of its content although its reading is limited', async (t) => {
  const { dir, start } = createWorkshop(t);
  const line = `${'x'.repeat(99)}\n`;
  writeFileSync(join(dir, 'a.log.gz'), gzipSync(line.repeat(250)));
  const { stream, stop } = start({ source: { readBytesPerSecond: 10_000 } });
  await until(() => stream.records().length === 250, 'all of it');
  assert.equal(await stop(), true);
});

test('a file that is truncated while its limit holds is looked at when it may be read', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'a.log');
  writeFileSync(file, `${'x'.repeat(99)}\n`.repeat(100));
  const { stream, stop } = start({ source: { readBytesPerSecond: 10_000 } });
  await until(() => stream.records().length === 100, 'as much as a second allows');
  truncateSync(file);
  appendFileSync(file, 'next\n');
  // The slow look at every file comes after ten seconds; this has to come before it.
  for (let i = 0; i < 500 && stream.records().length < 101; i++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(stream.texts().at(-1), 'next\n');
  assert.equal(await stop(), true);
});
