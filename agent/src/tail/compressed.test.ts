import assert from 'node:assert/strict';
import {
  appendFileSync,
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createWorkshop, FakeStream, until } from '../testing/harness.ts';

const lines = (prefix: string, from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `${prefix} ${from + i} ${'.'.repeat(i % 50)}\n`);

const forms = [
  ['gz', (text: string) => gzipSync(text)],
  ['zst', (text: string) => zstdCompressSync(text)],
] as const;

/** Compresses as gzip does: the plain file goes when the compressed one is whole. */
function compress(path: string, ending: string, form: (text: string) => Buffer): void {
  writeFileSync(`${path}.${ending}`, form(readFileSync(path, 'utf8')));
  rmSync(path);
}

for (const [ending, form] of forms) {
  test(`a .${ending} file that nobody has read is read as its content`, async (t) => {
    const { dir, start } = createWorkshop(t);
    const expected = lines('x', 0, 50_000);
    writeFileSync(join(dir, `a.log.1.${ending}`), form(expected.join('')));
    const { stream, done } = start({ once: true });
    assert.equal(await done, true);
    assert.deepEqual(stream.texts(), expected);
    assert.equal(stream.records()[1]?.offset, expected[0]?.length, 'offsets are those of the content');
    const again = start({ once: true });
    assert.equal(await again.done, true);
    assert.equal(again.stream.blocks.length, 0, 'a second run has nothing to ship');
  });

  test(`a file that is compressed to .${ending} after it was read is not read again`, async (t) => {
    const { dir, start } = createWorkshop(t);
    const file = join(dir, 'a.log');
    const expected = lines('x', 0, 1000);
    writeFileSync(file, expected.join(''));
    const { stream, stop } = start();
    await until(() => stream.records().length === 1000, 'the lines');
    renameSync(file, `${file}.1`);
    writeFileSync(file, 'next\n');
    compress(`${file}.1`, ending, form);
    await delay(2_500);
    assert.equal(await stop(), true);
    const again = start({ stream });
    await delay(1_000);
    assert.equal(await again.stop(), true);
    assert.deepEqual(stream.texts(), [...expected, 'next\n']);
  });

  test(`a file that is compressed to .${ending} while the agent is down is read on where reading stopped`, async (t) => {
    const { dir, start } = createWorkshop(t);
    const file = join(dir, 'a.log');
    const expected = lines('x', 0, 3000);
    writeFileSync(file, expected.slice(0, 1000).join(''));
    const { stream, stop } = start();
    await until(() => stream.records().length === 1000, 'the first lines');
    assert.equal(await stop(), true);
    appendFileSync(file, expected.slice(1000).join(''));
    renameSync(file, `${file}.1`);
    compress(`${file}.1`, ending, form);
    const again = start({ stream });
    await until(() => stream.records().length === 3000, 'the rest');
    assert.equal(await again.stop(), true);
    assert.deepEqual(stream.texts(), expected);
    assert.equal(new Set(stream.records().map((record) => record.generation)).size, 1);
  });
}

test('a .gz file that appears while its plain form is open and half read doubles nothing', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'a.log');
  const stream = new FakeStream();
  let open = true;
  stream.answer = (records) => (open ? records.map(() => ({ ok: true })) : new Error('stream is down'));
  const expected = Array.from({ length: 100_000 }, (_, i) => `${i} ${Math.random()} ${Math.random()}\n`);
  writeFileSync(file, expected.slice(0, 100).join(''));
  const { stop } = start({ stream, output: { outboxBytes: 2 * 1024 * 1024 } });
  await until(() => stream.records().length === 100, 'the first lines');
  open = false;
  appendFileSync(file, expected.slice(100).join(''));
  await delay(500);
  compress(file, 'gz', (text) => gzipSync(text));
  await delay(1_500);
  open = true;
  await until(() => stream.records().length >= expected.length, 'every line');
  await delay(1_500);
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts(), expected);
});

test('what copytruncate destroyed unread is read from the .gz file that was made before', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'a.log');
  const stream = new FakeStream();
  let open = true;
  stream.answer = (records) => (open ? records.map(() => ({ ok: true })) : new Error('stream is down'));
  const expected = Array.from({ length: 100_000 }, (_, i) => `${i} ${Math.random()} ${Math.random()}\n`);
  writeFileSync(file, expected.slice(0, 100).join(''));
  const { stop } = start({ stream, output: { outboxBytes: 2 * 1024 * 1024 } });
  await until(() => stream.records().length === 100, 'the first lines');
  open = false;
  appendFileSync(file, expected.slice(100).join(''));
  await delay(500);
  writeFileSync(`${file}.1.gz`, gzipSync(expected.join('')));
  await delay(1_500);
  truncateSync(file);
  writeFileSync(file, 'next life\n');
  open = true;
  await until(() => stream.records().length >= expected.length + 1, 'every line');
  await delay(1_000);
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts().sort(), [...expected, 'next life\n'].sort());
});

test('a .gz file is waited for while it is being written', async (t) => {
  const { dir, start } = createWorkshop(t);
  const expected = lines('x', 0, 20_000);
  const bytes = gzipSync(expected.join(''));
  const fd = openSync(join(dir, 'a.log.1.gz'), 'w');
  t.after(() => closeSync(fd));
  writeSync(fd, bytes.subarray(0, bytes.length >> 1));
  const { stream, stop } = start();
  await delay(1_500);
  assert.equal(stream.blocks.length, 0);
  writeSync(fd, bytes.subarray(bytes.length >> 1));
  await until(() => stream.records().length === expected.length, 'the lines');
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts(), expected);
});

test('all members of a .gz file and all frames of a .zst file are read', async (t) => {
  for (const [ending, form] of forms) {
    const { dir, start } = createWorkshop(t);
    const expected = lines('x', 0, 9_000);
    const parts = [0, 3000, 6000].map((from) => form(expected.slice(from, from + 3000).join('')));
    writeFileSync(join(dir, `a.log.${ending}`), Buffer.concat(parts));
    const { stream, done } = start({ once: true });
    assert.equal(await done, true);
    assert.deepEqual(stream.texts(), expected, ending);
  }
});

test('of a damaged .gz file what can be decoded is delivered, once', async (t) => {
  const { dir, start } = createWorkshop(t);
  const text = lines('x', 0, 200_000).map((line) => `${Math.random()} ${line}`);
  const good = gzipSync(text.slice(0, 100_000).join(''));
  const bad = gzipSync(text.slice(100_000).join(''));
  bad.fill(0xff, bad.length >> 1, (bad.length >> 1) + 100);
  writeFileSync(join(dir, 'a.log.gz'), Buffer.concat([good, bad]));
  const { stream, done } = start({ once: true });
  assert.equal(await done, true);
  const got = stream.texts();
  assert.ok(got.length > 120_000 && got.length < 200_000, `${got.length} lines`);
  assert.deepEqual(got.slice(0, 120_000), text.slice(0, 120_000));
  const again = start({ once: true });
  assert.equal(await again.done, true);
  assert.equal(again.stream.blocks.length, 0);
});

test('a .gz file that breaks off and one with something behind its end are delivered as far as they go', async (t) => {
  const { dir, start } = createWorkshop(t);
  const text = lines('x', 0, 20_000).map((line) => `${Math.random()} ${line}`);
  const whole = gzipSync(text.join(''));
  writeFileSync(join(dir, 'cut.log.gz'), whole.subarray(0, whole.length >> 1));
  writeFileSync(join(dir, 'more.log.gz'), Buffer.concat([gzipSync('one\ntwo\n'), Buffer.from('no gzip')]));
  const { stream, done } = start({ once: true });
  assert.equal(await done, true);
  const more = stream.records().filter((record) => record.path.endsWith('more.log.gz'));
  assert.deepEqual(
    more.map((record) => record.text),
    ['one\n', 'two\n'],
  );
  const cut = stream.records().filter((record) => record.path.endsWith('cut.log.gz'));
  const got = cut.map((record) => record.text).join('');
  assert.ok(got.length > 1000 && text.join('').startsWith(got));
});

test('reading a .gz file goes on after a restart in the middle of it', async (t) => {
  const { dir, start } = createWorkshop(t);
  const stream = new FakeStream();
  let calls = 0;
  stream.answer = (records) =>
    calls++ === 0 ? records.map(() => ({ ok: true })) : new Error('stream is down');
  const expected = Array.from({ length: 100_000 }, (_, i) => `${i} ${Math.random()} ${Math.random()}\n`);
  writeFileSync(join(dir, 'a.log.gz'), gzipSync(expected.join('')));
  const output = { outboxBytes: 2 * 1024 * 1024, drainTimeoutMs: 300 };
  const { stop } = start({ stream, output });
  await until(() => calls > 3, 'some of it');
  assert.equal(await stop(), false);
  assert.ok(stream.records().length < expected.length);
  stream.answer = (records) => records.map(() => ({ ok: true }));
  const again = start({ stream });
  await until(() => stream.records().length === expected.length, 'the rest');
  assert.equal(await again.stop(), true);
  assert.deepEqual(stream.texts(), expected);
});

test('another life of a file that begins as an open one is read from its start', async (t) => {
  const { dir, start } = createWorkshop(t);
  writeFileSync(join(dir, 'a.log'), 'header\n');
  const { stream, stop } = start();
  await until(() => stream.records().length === 1, 'the header');
  writeFileSync(join(dir, 'a.log.1.gz'), gzipSync('header\nolder\n'));
  await until(() => stream.records().length === 3, 'both lines of the older life');
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts(), ['header\n', 'header\n', 'older\n']);
});

test('the same holds when the file that is alike was closed because nothing is written to it', async (t) => {
  const { dir, start } = createWorkshop(t);
  writeFileSync(join(dir, 'a.log'), 'header\n');
  const { stream, stop } = start({ source: { limitRecentlyModifiedMs: 500 } });
  await until(() => stream.records().length === 1, 'the header');
  await delay(2_500);
  writeFileSync(join(dir, 'a.log.1.gz'), gzipSync('header\nolder\n'));
  await until(() => stream.records().length === 3, 'both lines of the older life');
  appendFileSync(join(dir, 'a.log'), 'newer\n');
  await until(() => stream.records().length === 4, 'the next line of the file that was closed');
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts(), ['header\n', 'header\n', 'older\n', 'newer\n']);
});

test('compressed files that are there at the very first start are passed over as plain ones are', async (t) => {
  const { dir, start } = createWorkshop(t);
  writeFileSync(join(dir, 'a.log.1.gz'), gzipSync('old\n'));
  const { stream, stop } = start({ source: { readFromHead: false } });
  await delay(300);
  writeFileSync(join(dir, 'a.log.2.gz'), gzipSync('new\n'));
  await until(() => stream.records().length === 1, 'the new one');
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts(), ['new\n']);
});
