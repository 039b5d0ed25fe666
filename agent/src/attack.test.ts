import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs, {
  appendFileSync,
  closeSync,
  copyFileSync,
  openSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, systemClock } from '@millrace/core/runtime/clock.ts';
import { createWorkshop, FakeStream, until } from './testing/harness.ts';

const lines = (prefix: string, from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `${prefix} ${from + i}\n`);

/** Text that stays large when it is compressed. */
const noise = (count: number) =>
  Array.from({ length: count }, () => `${Math.random()} ${Math.random()} ${Math.random()}\n`);

/** The system's clock, which counts how often it was asked: a busy loop asks all the time. */
function countingClock(): { clock: Clock; asked: () => number } {
  let count = 0;
  const monotonic = () => {
    count++;
    return systemClock.monotonic();
  };
  return { clock: { ...systemClock, monotonic }, asked: () => count };
}

/** Puts `answer` in place of reads from files whose path ends with `name`. */
function mockReads(t: TestContext, name: string, answer: () => number): void {
  const real = fs.readvSync;
  t.mock.method(fs, 'readvSync', (fd: number, buffers: Uint8Array[], at: number) =>
    readlinkSync(`/proc/self/fd/${fd}`).endsWith(name) ? answer() : real(fd, buffers, at),
  );
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
}

test('a symbolic link to itself stops nothing', async (t) => {
  const { dir, start } = createWorkshop(t);
  symlinkSync('loop.log', join(dir, 'loop.log'));
  symlinkSync('loop', join(dir, 'loop'));
  writeFileSync(join(dir, 'a.log'), 'a\n');
  const paths = ['*.log', 'loop/*.log', 'loop/x.log', 'loop.log'].map((glob) => join(dir, glob));
  const { stream, done } = start({ once: true, source: { paths } });
  assert.equal(await done, true);
  assert.deepEqual(stream.texts(), ['a\n']);
});

test('a file from before 1970 is shipped', async (t) => {
  const { dir, start } = createWorkshop(t);
  writeFileSync(join(dir, 'a.log'), 'a\n');
  utimesSync(join(dir, 'a.log'), new Date(-86_400_000), new Date(-86_400_000));
  const { stream, done } = start({ once: true });
  assert.equal(await done, true);
  assert.deepEqual(stream.texts(), ['a\n']);
});

test('the cut of an over-long record does not split a character', async (t) => {
  const { dir, start } = createWorkshop(t);
  const text = `x${'\uac00'.repeat(700_000)}\n`;
  writeFileSync(join(dir, 'a.log'), text);
  const { stream, done } = start({ once: true });
  assert.equal(await done, true);
  const parts = stream.texts().map((part) => Buffer.from(part, 'latin1').toString());
  assert.equal(parts.length, 3);
  assert.equal(parts.join('') === text, true, 'the parts are the record, without a broken character');
});

test('a file that left its pattern, was closed, and comes back is read on', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'a.log');
  writeFileSync(file, 'one\n');
  const { stream, stop } = start({ source: { rotateWaitMs: 100 } });
  await until(() => stream.records().length === 1, 'the first line');
  renameSync(file, join(dir, 'away'));
  await delay(800);
  renameSync(join(dir, 'away'), file);
  appendFileSync(file, 'two\n');
  await until(() => stream.texts().includes('two\n'), 'the second line');
  await delay(200);
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts(), ['one\n', 'two\n']);
});

test('copytruncate doubles nothing when more was written and read after the copy', async (t) => {
  for (const after of ['after the copy\n', 'after the copy, unfinished']) {
    const { dir, start } = createWorkshop(t);
    const file = join(dir, 'app.log');
    const expected = lines('x', 0, 100);
    writeFileSync(file, expected.join(''));
    const { stream, stop } = start({ source: { partialFlushMs: 5_000 } });
    await until(() => stream.records().length === 100, 'the first lines');
    copyFileSync(file, join(dir, 'app.log.1'));
    await delay(250);
    appendFileSync(file, after);
    await delay(300);
    truncateSync(file);
    writeFileSync(file, 'next life\n');
    await until(() => stream.texts().includes('next life\n'), 'the next life');
    await delay(500);
    assert.equal(await stop(), true);
    assert.deepEqual(stream.texts().sort(), [...expected, after, 'next life\n'].sort());
    const again = start({ stream });
    await delay(300);
    await again.stop();
    assert.equal(stream.records().length, expected.length + 2, 'a restart repeats nothing');
  }
});

test('with one of two streams down the agent neither spins nor holds the other up', async (t) => {
  const { dir, start } = createWorkshop(t);
  const dead = new FakeStream();
  dead.answer = () => new Error('stream is down');
  writeFileSync(join(dir, 'dead.log'), noise(250_000).join(''));
  const { clock, asked } = countingClock();
  const output = { outboxBytes: 2 * 1024 * 1024, drainTimeoutMs: 300 };
  const { stream, stop } = start({
    source: { tag: '*' },
    clock,
    output,
    others: [{ tag: /dead\.log$/, stream: dead }],
  });
  await delay(1_000);
  const expected = noise(60_000);
  writeFileSync(join(dir, 'live.log'), expected.join(''));
  await until(() => stream.blocks.length > 0 && stream.records().length === expected.length, 'live.log');
  const before = asked();
  await delay(1_000);
  const calls = asked() - before;
  assert.equal(await stop(), false);
  assert.ok(calls < 5_000, `the clock was asked ${calls} times in a second`);
});

test('a full outbox is waited for without a busy loop', async (t) => {
  const { dir, start } = createWorkshop(t);
  const stream = new FakeStream();
  stream.answer = () => new Error('stream is down');
  writeFileSync(join(dir, 'a.log'), noise(100_000).join(''));
  const { clock, asked } = countingClock();
  const output = { outboxBytes: 2 * 1024 * 1024, drainTimeoutMs: 100, lingerMs: 0, retryBaseMs: 100 };
  const { stop } = start({ stream, clock, output });
  await delay(1_000);
  const before = asked();
  await delay(1_000);
  const calls = asked() - before;
  await stop();
  assert.ok(calls < 500, `the clock was asked ${calls} times in a second`);
});

test('a file whose reads fail does not stop the others', async (t) => {
  const { dir, start } = createWorkshop(t);
  writeFileSync(join(dir, 'a.log'), 'a\n');
  writeFileSync(join(dir, 'bad.log'), 'bad\n');
  mockReads(t, 'bad.log', () => {
    throw Object.assign(new Error('i/o error'), { code: 'EIO' });
  });
  const { stream, done } = start({ once: true });
  assert.equal(await done, true);
  assert.deepEqual(stream.texts(), ['a\n']);
});

test('a file that ends before its size says so is not read for ever', async (t) => {
  const { dir, start } = createWorkshop(t);
  writeFileSync(join(dir, 'a.log'), 'a\n');
  writeFileSync(join(dir, 'sys.log'), 'sys\n');
  mockReads(t, 'sys.log', () => 0);
  const { stream, done } = start({ once: true, output: { drainTimeoutMs: 100 } });
  assert.equal(await Promise.race([done, delay(3_000, 'it goes on and on')]), true);
  assert.deepEqual(stream.texts(), ['a\n']);
});

test('stopping ships what came just before, and files that begin like others', async (t) => {
  const { dir, start } = createWorkshop(t);
  writeFileSync(join(dir, 'a.log'), 'header\n');
  const { stream, stop } = start();
  await until(() => stream.records().length === 1, 'the first file');
  writeFileSync(join(dir, 'b.log'), 'header\n');
  await delay(300);
  writeFileSync(join(dir, 'c.log'), 'just now\n');
  appendFileSync(join(dir, 'a.log'), 'unfinished');
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts().sort(), ['header\n', 'header\n', 'just now\n', 'unfinished']);
});

test('the hole that a writer leaves after a truncation is not shipped', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'a.log');
  const fd = openSync(file, 'w');
  t.after(() => closeSync(fd));
  const expected = lines('old', 0, 1000);
  writeSync(fd, expected.join(''));
  const { stream, stop } = start();
  await until(() => stream.records().length === 1000, 'the old lines');
  truncateSync(file);
  await delay(250);
  writeSync(fd, 'new\n');
  await until(() => stream.records().length > 1000, 'the new line');
  await stop();
  assert.deepEqual(stream.texts(), [...expected, 'new\n']);
});

test('a header of long paths and a payload that can not be compressed fit one block', async (t) => {
  const { dir, start } = createWorkshop(t);
  for (let i = 0; i < 500; i++)
    writeFileSync(join(dir, `${randomBytes(180).toString('base64url')}.log`), `${i}\n`);
  const bytes = randomBytes(2 * 1024 * 1024);
  writeFileSync(join(dir, '~.log'), bytes);
  const { stream, done } = start({ once: true, source: { tag: '*' } });
  assert.equal(await done, true);
  const texts = stream.records().filter((record) => record.path.endsWith('~.log'));
  assert.equal(texts.map((record) => record.text).join('') === bytes.toString('latin1'), true);
  assert.equal(stream.records().length, texts.length + 500);
});

test('a copy is recognised although the outbox is full while the original is truncated', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'app.log');
  const stream = new FakeStream();
  let open = true;
  stream.answer = (records) => (open ? records.map(() => ({ ok: true })) : new Error('stream is down'));
  const expected = lines('x', 0, 100);
  writeFileSync(file, expected.join(''));
  const { stop } = start({ stream, output: { outboxBytes: 2 * 1024 * 1024 } });
  await until(() => stream.records().length === 100, 'the first lines');
  open = false;
  const more = noise(200_000);
  appendFileSync(file, more.join(''));
  await delay(700);
  copyFileSync(file, join(dir, 'app.log.1'));
  await delay(250);
  truncateSync(file);
  writeFileSync(file, 'next life\n');
  // Longer than a copy is held for without a reason.
  await delay(5_500);
  open = true;
  await until(() => stream.texts().includes('next life\n'), 'the next life');
  await delay(300);
  assert.equal(await stop(), true);
  assert.equal(
    stream.texts().sort().join('') === [...expected, ...more, 'next life\n'].sort().join(''),
    true,
  );
});

test('an agent that stops right after a copytruncate still knows the copy', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'app.log');
  const expected = lines('x', 0, 100);
  writeFileSync(file, expected.join(''));
  const { stream, stop } = start();
  await until(() => stream.records().length === 100, 'the first lines');
  appendFileSync(file, 'only in the copy\n');
  copyFileSync(file, join(dir, 'app.log.1'));
  truncateSync(file);
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts().sort(), [...expected, 'only in the copy\n'].sort());
});

test('the first line of a file that was empty does not wait for the next refresh', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'a.log');
  writeFileSync(file, '');
  const { stream, stop } = start({ source: { refreshIntervalMs: 60_000 } });
  await delay(400);
  appendFileSync(file, 'first\n');
  await until(() => stream.records().length === 1, 'the first line');
  assert.equal(await stop(), true);
});

test('a file truncated and refilled to the very same size is read again', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'app.log');
  writeFileSync(file, 'banner\nlife 1 line\n');
  const { stream, stop } = start({ source: { paths: [join(dir, '*.log')] } });
  await until(() => stream.records().length === 2, 'the first life');
  for (const life of [2, 3]) {
    truncateSync(file);
    writeFileSync(file, `banner\nlife ${life} line\n`);
    await until(() => stream.texts().includes(`life ${life} line\n`), `life ${life}`);
  }
  await stop();
});

test('a new file that begins with NULs keeps them', async (t) => {
  const { dir, start } = createWorkshop(t);
  writeFileSync(join(dir, 'a.log'), '\0\0first\n\0second\n');
  const { stream, done } = start({ once: true });
  await done;
  assert.deepEqual(stream.texts(), ['\0\0first\n', '\0second\n']);
});
