import assert from 'node:assert/strict';
import fs, {
  appendFileSync,
  copyFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, systemClock } from '@millrace/core/runtime/clock.ts';
import { createWorkshop, until } from '../testing/harness.ts';

/** Lines that differ within and beyond the first KiB. */
const many = (name: string) => Array.from({ length: 200 }, (_, i) => `${name} ${i}\n`);

/** An agent that has read a.log and closed it again in favour of another file. */
async function withSleeper(t: TestContext) {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'a.log');
  const old = many('old');
  writeFileSync(file, old.join(''));
  // A time that can be set again exactly.
  utimesSync(file, 1_700_000_000, 1_700_000_000);
  const agent = start({ source: { maxOpenFiles: 1 } });
  await until(() => agent.stream.records().length === 200, 'the file');
  writeFileSync(join(dir, 'b.log'), 'b\n');
  await until(() => agent.stream.texts().includes('b\n'), 'the other file');
  return { dir, file, old, ...agent };
}

test('a sleeping file that is copied and truncated between two looks is not doubled', async (t) => {
  const { dir, file, old, stream, stop } = await withSleeper(t);
  copyFileSync(file, join(dir, 'a.log.1'));
  truncateSync(file);
  appendFileSync(join(dir, 'a.log.1'), 'old, late\n');
  await until(() => stream.texts().includes('old, late\n'), 'what only the copy has');
  appendFileSync(file, 'new\n');
  await until(() => stream.texts().includes('new\n'), 'the next life');
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts().sort(), [...old, 'b\n', 'old, late\n', 'new\n'].sort());
});

test('a sleeping file that is copied, truncated and written to between two looks is not doubled', async (t) => {
  const { dir, file, old, stream, stop } = await withSleeper(t);
  appendFileSync(file, 'old, late\n');
  copyFileSync(file, join(dir, 'a.log.1'));
  truncateSync(file);
  appendFileSync(file, 'new\n');
  await until(() => ['old, late\n', 'new\n'].every((text) => stream.texts().includes(text)), 'both lives');
  await delay(300);
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts().sort(), [...old, 'b\n', 'old, late\n', 'new\n'].sort());
});

test('other bytes in a sleeping file are read although its size and time are what they were', async (t) => {
  const { file, old, stream, stop } = await withSleeper(t);
  writeFileSync(file, old.join('').replaceAll('old', 'new'));
  utimesSync(file, 1_700_000_000, 1_700_000_000);
  await until(() => stream.texts().includes('new 199\n'), 'the new content');
  assert.equal(await stop(), true);
  assert.equal(stream.texts().length, 401);
});

test('the rest of a record that is dropped for its size is dropped in a copy too', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'a.log');
  writeFileSync(file, 'x'.repeat(960 * 1024 + 500));
  const { stream, stop } = start({ source: { maxLineBytes: 1000, partialFlushMs: 60_000 } });
  await until(() => stream.blocks.length > 0, 'the block that says what is missing');
  await delay(300);
  appendFileSync(file, 'xx\nshort\n');
  copyFileSync(file, join(dir, 'a.log.1'));
  truncateSync(file);
  await until(() => stream.texts().includes('short\n'), 'the record behind it');
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts(), ['short\n']);
});

test('a copy that stands before its original is known as one by the run that takes over', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'z.log');
  const old = many('old');
  writeFileSync(file, old.join(''));
  const first = start();
  await until(() => first.stream.records().length === 200, 'the file');
  assert.equal(await first.stop(), true);
  copyFileSync(file, join(dir, 'a.log'));
  const { stream, stop } = start({ stream: first.stream, resumed: true });
  await delay(300);
  truncateSync(file);
  appendFileSync(file, 'new\n');
  await until(() => stream.texts().includes('new\n'), 'the next life');
  await delay(300);
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts().sort(), [...old, 'new\n'].sort());
});

test('two sources that match a file each go on from their own place in whatever order they stand', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'a.log');
  writeFileSync(file, 'one\n');
  const [a, b] = ['a', 'b'].map((tag) => ({ tag, readerId: `source-${tag}` }));
  const { stream, stop } = start({ source: { ...b, id: 'source-2' }, before: [{ ...a, id: 'source-1' }] });
  await until(() => stream.records().length === 2, 'the line, twice');
  assert.equal(await stop(), true);
  appendFileSync(file, 'two\n');
  const again = start({ stream, source: { ...a, id: 'source-2' }, before: [{ ...b, id: 'source-1' }] });
  await until(() => stream.records().length === 4, 'the next line, twice');
  assert.equal(await again.stop(), true);
  const readings = new Map<string, string[]>();
  for (const { tag, generation, text } of stream.records()) {
    const key = `${tag} ${generation}`;
    readings.set(key, [...(readings.get(key) ?? []), text]);
  }
  assert.deepEqual([...readings.keys()].map((key) => key.split(' ')[0]).sort(), ['a', 'b']);
  for (const texts of readings.values()) assert.deepEqual(texts, ['one\n', 'two\n']);
});

test('a source that is put before another takes nothing from it', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'a.log');
  writeFileSync(file, 'one\n');
  const old = { tag: 'old', readerId: 'source-old' };
  const { stream, stop } = start({ source: old });
  await until(() => stream.records().length === 1, 'the line');
  assert.equal(await stop(), true);
  const paths = [join(dir, 'a.*')];
  const again = start({ stream, source: old, before: [{ id: 'new', tag: 'new', readerId: 'new', paths }] });
  await until(() => stream.records().some(({ tag }) => tag === 'new'), 'the line under the new tag');
  await delay(300);
  assert.equal(await again.stop(), true);
  assert.deepEqual(
    stream
      .records()
      .map(({ tag }) => tag)
      .sort(),
    ['new', 'old'],
  );
});

/** The descriptor under which this process has a file open. */
function fdOf(path: string): number {
  const fd = readdirSync('/proc/self/fd').find((each) => {
    try {
      return readlinkSync(`/proc/self/fd/${each}`) === path;
    } catch {
      return false;
    }
  });
  assert.ok(fd !== undefined, `${path} is open`);
  return Number(fd);
}

test('a file whose server has forgotten it is let go of, and the others are read on', async (t) => {
  const { dir, start } = createWorkshop(t);
  for (const name of ['a', 'b']) writeFileSync(join(dir, `${name}.log`), `${name} 1\n`);
  const { stream, stop } = start();
  await until(() => stream.records().length === 2, 'the first lines');
  const stale = new Set([fdOf(join(dir, 'a.log'))]);
  const { fstatSync, closeSync } = fs;
  t.mock.method(fs, 'fstatSync', (fd: number, options: fs.StatSyncOptions) => {
    if (stale.has(fd)) throw Object.assign(new Error('ESTALE: stale file handle, fstat'), { code: 'ESTALE' });
    return (fstatSync as (fd: number, options: fs.StatSyncOptions) => unknown)(fd, options);
  });
  let closed = false;
  t.mock.method(fs, 'closeSync', (fd: number) => {
    if (stale.delete(fd)) closed = true;
    closeSync(fd);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  rmSync(join(dir, 'a.log'));
  await until(() => closed, 'its descriptor closed');
  appendFileSync(join(dir, 'b.log'), 'b 2\n');
  await until(() => stream.texts().includes('b 2\n'), 'the other file');
  assert.equal(await stop(), true);
});

test('while nothing happens nothing is done ten times a second', async (t) => {
  const { dir, start } = createWorkshop(t);
  let sleeps = 0;
  const sleep: Clock['sleep'] = (ms, signal) => {
    sleeps++;
    return systemClock.sleep(ms, signal);
  };
  const clock: Clock = Object.assign(Object.create(systemClock), { sleep });
  for (let i = 0; i < 50; i++) writeFileSync(join(dir, `${i}.log`), `first ${i}\n`);
  const { stream, stop } = start({ clock });
  await until(() => stream.records().length === 50, 'the first lines');
  await delay(1_500);
  sleeps = 0;
  await delay(3_000);
  assert.ok(sleeps < 15, `${sleeps} rests in three seconds`);
  // What happens then is heard of: in a file, in the folder, and in one that is not there yet.
  appendFileSync(join(dir, '7.log'), 'second\n');
  writeFileSync(join(dir, 'new.log'), 'new\n');
  renameSync(join(dir, '8.log'), join(dir, '8.log.1'));
  appendFileSync(join(dir, '8.log.1'), 'renamed\n');
  await until(() => stream.records().length === 53, 'what came');
  assert.equal(await stop(), true);
});

test('a file that is copied, truncated and deleted while the outbox is full is known in its copy', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'a.log');
  const old = many('old');
  writeFileSync(file, old.join(''));
  const { stream, stop } = start({ output: { outboxBytes: 2 * 1024 * 1024 } });
  await until(() => stream.records().length === 200, 'the file');
  let down = true;
  stream.answer = (records) => (down ? new Error('down') : records.map(() => ({ ok: true })));
  // What does not compress, until there is no room.
  const noise = Array.from({ length: 150_000 }, () => `${Math.random()} ${Math.random()}\n`);
  writeFileSync(join(dir, 'b.log'), noise.join(''));
  await delay(1_000);
  copyFileSync(file, join(dir, 'a.log.1'));
  await delay(300);
  truncateSync(file);
  await delay(300);
  rmSync(file);
  await delay(1_500);
  down = false;
  await until(() => stream.records().length >= 150_200, 'everything');
  await delay(300);
  assert.equal(await stop(), true);
  assert.equal(stream.texts().length, old.length + noise.length);
});
