import assert from 'node:assert/strict';
import fs, {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createWorkshop, until } from '../testing/harness.ts';

/** Files of a folder that this process holds open. */
function openIn(dir: string): string[] {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return targets.filter((target) => target.startsWith(dir) && target.includes('.log'));
}

function refuseWatches(t: TestContext): void {
  t.mock.method(fs, 'watch', () => {
    throw Object.assign(new Error('ENOSPC: System limit for number of file watchers reached'), {
      code: 'ENOSPC',
    });
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
}

/** Watches that never say anything: as where events were lost. */
function muteWatches(t: TestContext): void {
  t.mock.method(fs, 'watch', () => ({ on() {}, close() {} }));
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
}

for (const [how, prepare] of [
  ['the system refuses watches', refuseWatches],
  ['every notification is lost', muteWatches],
] as const)
  test(`lines in quiet files arrive although ${how}`, async (t) => {
    prepare(t);
    const { dir, start } = createWorkshop(t);
    for (let i = 0; i < 20; i++) writeFileSync(join(dir, `${i}.log`), `first ${i}\n`);
    const { stream, stop } = start({});
    await until(() => stream.records().length === 20, 'the first lines');
    await delay(300);
    for (let i = 0; i < 20; i++) appendFileSync(join(dir, `${i}.log`), `second ${i}\n`);
    for (let n = 0; n < 3 && stream.records().length < 40; n++)
      await until(() => stream.records().length === 40, 'the second lines').catch(() => {});
    assert.equal(await stop(), true);
    assert.equal(stream.records().length, 40);
  });

test('without inotify, by configuration, nothing is watched and everything arrives', async (t) => {
  const watched = t.mock.method(fs, 'watch');
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const { dir, start } = createWorkshop(t);
  writeFileSync(join(dir, 'a.log'), 'one\n');
  const { stream, stop } = start({ source: { pollOnly: true } });
  await until(() => stream.records().length === 1, 'the first line');
  appendFileSync(join(dir, 'a.log'), 'two\n');
  await until(() => stream.records().length === 2, 'the second line');
  assert.equal(await stop(), true);
  assert.equal(watched.mock.callCount(), 0);
});

test('with fewer open files than files nothing is lost or doubled, and the bound holds', async (t) => {
  const { dir, start } = createWorkshop(t);
  const count = 60;
  const expected: string[] = [];
  const write = (round: number) => {
    for (let i = 0; i < count; i++) {
      appendFileSync(join(dir, `${i}.log`), `${round} ${i}\n`);
      expected.push(`${round} ${i}\n`);
    }
  };
  write(0);
  const { stream, stop } = start({ source: { maxOpenFiles: 10 } });
  for (let round = 1; round <= 3; round++) {
    await until(() => stream.records().length === expected.length, `round ${round - 1}`);
    assert.ok(openIn(dir).length <= 10, `${openIn(dir).length} files are open`);
    write(round);
  }
  await until(() => stream.records().length === expected.length, 'the last round');
  assert.equal(await stop(), true);
  const again = start({ stream, source: { maxOpenFiles: 10 } });
  await delay(300);
  assert.equal(await again.stop(), true);
  assert.deepEqual(stream.texts().sort(), expected.sort());
  assert.equal([...stream.copies()].length, expected.length, 'no record has a second id');
});

test('a file that was closed for others and is then copied and truncated is not doubled', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'a.log');
  const old = Array.from({ length: 200 }, (_, i) => `old ${i}\n`);
  writeFileSync(file, old.join(''));
  const { stream, stop } = start({ source: { maxOpenFiles: 1 } });
  await until(() => stream.records().length === 200, 'the file');
  writeFileSync(join(dir, 'b.log'), 'b\n');
  await until(() => stream.records().length === 201, 'the other file');
  assert.deepEqual(
    openIn(dir).map((path) => path.slice(dir.length)),
    ['/b.log'],
  );
  copyFileSync(file, join(dir, 'a.log.1'));
  await delay(400);
  truncateSync(file);
  appendFileSync(file, 'new\n');
  await until(() => stream.texts().includes('new\n'), 'the next life');
  await delay(300);
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts().sort(), [...old, 'b\n', 'new\n'].sort());
});

test('files that were not written to for long are not open, and are read on when they are', async (t) => {
  const { dir, start } = createWorkshop(t);
  const ago = new Date(Date.now() - 3_600_000);
  for (const name of ['seen', 'unseen']) writeFileSync(join(dir, `${name}.log`), `${name} 1\n`);
  const first = start({});
  await until(() => first.stream.records().length === 2, 'the first lines');
  assert.equal(await first.stop(), true);
  rmSync(join(dir, 'unseen.log'));
  writeFileSync(join(dir, 'unseen.log'), 'unseen 1\n');
  for (const name of ['seen', 'unseen']) utimesSync(join(dir, `${name}.log`), ago, ago);
  const { stream, stop } = start({ source: { limitRecentlyModifiedMs: 60_000 } });
  await delay(500);
  assert.deepEqual(openIn(dir), []);
  assert.deepEqual(stream.texts(), []);
  for (const name of ['seen', 'unseen']) appendFileSync(join(dir, `${name}.log`), `${name} 2\n`);
  await until(() => stream.records().length === 3, 'what was written');
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts().sort(), ['seen 2\n', 'unseen 1\n', 'unseen 2\n']);
});

test('a file at full speed holds up two hundred quiet ones by a few turns at most', async (t) => {
  const { dir, start } = createWorkshop(t);
  const hot = join(dir, '0-hot.log');
  const line = `${'h'.repeat(199)}\n`;
  writeFileSync(hot, line.repeat(250_000));
  for (let i = 0; i < 200; i++) writeFileSync(join(dir, `quiet-${i}.log`), `quiet ${i}\n`);
  const { stream, done } = start({ once: true });
  assert.equal(await done, true);
  const texts = stream.texts();
  assert.equal(texts.length, 250_200);
  let hotBytes = 0;
  let before = 0;
  for (const text of texts) {
    if (text.startsWith('quiet')) before = Math.max(before, hotBytes);
    else hotBytes += text.length;
  }
  assert.ok(before <= 8 * 1024 * 1024, `${before} bytes of the hot file came before the last quiet line`);
});

test('a group of files yields its lines in each period, others go on, and a stop leaves the rest for later', async (t) => {
  const { dir, start } = createWorkshop(t);
  for (const name of ['shop-1', 'shop-2', 'bank-1'])
    writeFileSync(join(dir, `${name}.log`), `${name} ${'x'.repeat(4090)}\n`.repeat(50));
  const group = {
    pattern: /\/(?<team>[a-z]+)-(?<n>\d)\.log$/,
    ratePeriodMs: 3_600_000,
    rules: [{ match: [['team', /^shop$/] as [string, RegExp]], limit: 10 }],
  };
  const { stream, stop } = start({ source: { group } });
  const of = (team: string) => stream.texts().filter((text) => text.startsWith(team)).length;
  await until(() => of('bank') === 50, 'the group without a limit');
  await until(() => of('shop') >= 10, 'what the group may yield');
  await delay(500);
  assert.ok(of('shop') <= 12, `${of('shop')} lines of the limited group`);
  assert.equal(await stop(), true);
  const again = start({ stream });
  await until(() => of('shop') === 100, 'the rest, without the limit');
  assert.equal(await again.stop(), true);
  assert.equal(stream.texts().length, 150);
});

test('a pattern that is new in the configuration begins at the ends of its files, an old one does not', async (t) => {
  const { dir, start } = createWorkshop(t);
  const old = [join(dir, 'a*.log')];
  const first = start({ source: { readFromHead: false, paths: old } });
  await delay(300);
  writeFileSync(join(dir, 'a1.log'), 'a1\n');
  await until(() => first.stream.records().length === 1, 'a file that was found later');
  assert.equal(await first.stop(), true);
  writeFileSync(join(dir, 'a2.log'), 'a2, made while nobody looked\n');
  writeFileSync(join(dir, 'b.log'), 'b, before the pattern was there\n');
  const paths = [...old, join(dir, 'b*.log')];
  const { stream, stop } = start({ source: { readFromHead: false, paths } });
  await until(() => stream.records().length === 1, 'the file of the old pattern');
  appendFileSync(join(dir, 'b.log'), 'b, after\n');
  await until(() => stream.records().length === 2, 'what came after');
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts().sort(), ['a2, made while nobody looked\n', 'b, after\n']);
});

test('a file whose name is not UTF-8 is followed', async (t) => {
  const { dir, start } = createWorkshop(t);
  const path = Buffer.concat([Buffer.from(`${dir}/caf`), Buffer.from([0xe9]), Buffer.from('.log')]);
  const fd = openSync(path, 'a');
  t.after(() => fs.closeSync(fd));
  appendFileSync(fd, 'one\n');
  const { stream, stop } = start({});
  await until(() => stream.records().length === 1, 'the first line');
  appendFileSync(fd, 'two\n');
  await until(() => stream.records().length === 2, 'the second line');
  assert.equal(await stop(), true);
  assert.deepEqual(
    stream.records().map((record) => record.path),
    [1, 2].map(() => join(dir, 'caf\\xE9.log')),
  );
});

test('a link that is turned to another file is followed there, and the first file is read to its end', async (t) => {
  const { dir, start } = createWorkshop(t);
  mkdirSync(join(dir, 'x'));
  for (const name of ['one', 'two']) writeFileSync(join(dir, 'x', name), `${name}\n`);
  const turn = (link: string, to: string) => {
    symlinkSync(to, `${link}.new`);
    renameSync(`${link}.new`, link);
  };
  // Two levels: what the pattern names leads to a link, elsewhere, that is turned.
  turn(join(dir, 'x', 'current'), 'one');
  symlinkSync(join(dir, 'x', 'current'), join(dir, 'a.log'));
  const { stream, stop } = start({ source: { rotateWaitMs: 5_000 } });
  await until(() => stream.texts().includes('one\n'), 'the first file');
  turn(join(dir, 'x', 'current'), 'two');
  await until(() => stream.texts().includes('two\n'), 'the second file');
  appendFileSync(join(dir, 'x', 'one'), 'one, late\n');
  await until(() => stream.texts().includes('one, late\n'), 'the end of the first file');
  assert.equal(await stop(), true);
  assert.equal(stream.texts().length, 3);
});

test('several links to one file make one reading of it', async (t) => {
  const { dir, start } = createWorkshop(t);
  writeFileSync(join(dir, 'a.log'), 'one\n');
  symlinkSync('a.log', join(dir, 'b.log'));
  fs.linkSync(join(dir, 'a.log'), join(dir, 'c.log'));
  const { stream, stop } = start({});
  await until(() => stream.records().length === 1, 'the first line');
  appendFileSync(join(dir, 'c.log'), 'two\n');
  await until(() => stream.records().length === 2, 'the second line');
  await delay(300);
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts(), ['one\n', 'two\n']);
  assert.equal(new Set(stream.records().map((record) => record.path)).size, 1, 'under one name');
});

test('a folder that appears later is looked into', async (t) => {
  const { dir, start } = createWorkshop(t);
  const { stream, stop } = start({
    source: { paths: [join(dir, 'late/*/app.log'), join(dir, 'other/app.log')] },
  });
  await delay(300);
  for (const folder of ['late/x', 'other']) {
    mkdirSync(join(dir, folder), { recursive: true });
    writeFileSync(join(dir, folder, 'app.log'), `${folder}\n`);
  }
  await until(() => stream.records().length === 2, 'both files');
  assert.equal(await stop(), true);
});
