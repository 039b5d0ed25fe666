import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createWorkshop, FakeStream, until } from './testing/harness.ts';

const lines = (prefix: string, from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `${prefix} ${from + i}\n`);

test('once ships every byte of every file and ends when it is acknowledged', async (t) => {
  const { dir, start } = createWorkshop(t);
  const a = lines('a', 0, 50_000);
  writeFileSync(join(dir, 'a.log'), a.join(''));
  writeFileSync(join(dir, 'b.log'), 'no final newline');
  const { stream, done } = start({ once: true });
  assert.equal(await done, true);
  assert.deepEqual(
    stream
      .records()
      .filter((record) => record.path.endsWith('a.log'))
      .map((record) => record.text),
    a,
  );
  assert.deepEqual(
    stream
      .records()
      .filter((record) => record.path.endsWith('b.log'))
      .map((record) => record.text),
    ['no final newline'],
  );
  const again = start({ once: true });
  assert.equal(await again.done, true);
  assert.equal(again.stream.blocks.length, 0, 'a second run has nothing to ship');
});

test('a record of 5 MB is cut at fixed multiples and loses nothing', async (t) => {
  const { dir, start } = createWorkshop(t);
  const long = `${'\uac00x'.repeat(1_250_000)}\n`; // 4 bytes each pair: cuts fall on and beside UTF-8 boundaries
  writeFileSync(join(dir, 'a.log'), `before\n${long}after\n`);
  const { stream, done } = start({ once: true });
  await done;
  const texts = stream.texts();
  assert.equal(texts[0], 'before\n');
  assert.equal(texts.at(-1), 'after\n');
  assert.equal(Buffer.from(texts.slice(1, -1).join(''), 'latin1').toString(), long);
  for (const part of texts.slice(1, -1))
    assert.doesNotMatch(Buffer.from(part, 'latin1').toString(), /\ufffd/);
});

test('lines appended while the agent runs arrive, in files that are new as well', async (t) => {
  const { dir, start } = createWorkshop(t);
  writeFileSync(join(dir, 'a.log'), 'first\n');
  const { stream, stop } = start();
  await until(() => stream.texts().includes('first\n'), 'first line');
  appendFileSync(join(dir, 'a.log'), 'second\n');
  writeFileSync(join(dir, 'new.log'), 'third\n');
  await until(() => stream.records().length === 3, 'three lines');
  assert.equal(await stop(), true);
});

test('rotation by rename under writing loses and doubles nothing, wherever the old file goes', async (t) => {
  for (const glob of ['*.log', '*.log*']) {
    const { dir, start } = createWorkshop(t);
    const file = join(dir, 'app.log');
    writeFileSync(file, '');
    const { stream, stop } = start({ source: { paths: [join(dir, glob)] } });
    const expected: string[] = [];
    for (let round = 0; round < 6; round++) {
      for (const line of lines(`r${round}`, 0, 200)) {
        expected.push(line);
        appendFileSync(file, line);
      }
      await delay(150);
      appendFileSync(file, `late ${round}\n`);
      renameSync(file, join(dir, `app.log.${round}`));
      appendFileSync(join(dir, `app.log.${round}`), `later ${round}\n`);
      writeFileSync(file, '');
      expected.push(`late ${round}\n`, `later ${round}\n`);
    }
    await until(() => stream.records().length >= expected.length, `${expected.length} lines of ${glob}`);
    assert.equal(await stop(), true);
    assert.deepEqual(stream.texts().sort(), expected.sort());
  }
});

test('copytruncate goes on in the copy where the original was truncated', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'app.log');
  const expected: string[] = [];
  const write = (line: string) => {
    expected.push(line);
    appendFileSync(file, line);
  };
  write('# banner\n');
  const { stream, stop } = start();
  for (let round = 0; round < 4; round++) {
    for (const line of lines(`round ${round}`, 0, 300)) write(line);
    await delay(120);
    // Not read before the truncation: only the copy still has it.
    for (const line of lines(`unread ${round}`, 0, 300)) write(line);
    copyFileSync(file, join(dir, `app.log.${round}`));
    truncateSync(file);
    write('# banner\n');
    await delay(300);
  }
  await until(() => stream.records().length >= expected.length, 'all lines');
  await delay(400);
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts().sort(), expected.sort());
  const again = start({ stream });
  await delay(600);
  await again.stop();
  assert.deepEqual(stream.texts().sort(), expected.sort(), 'a restart neither repeats nor skips');
});

test('a copy whose original is not truncated is a file of its own', async (t) => {
  const { dir, start } = createWorkshop(t);
  writeFileSync(join(dir, 'a.log'), 'header\none\n');
  const { stream, stop } = start();
  await until(() => stream.records().length === 2, 'the original');
  writeFileSync(join(dir, 'b.log'), 'header\none\ntwo\n');
  await until(() => stream.records().length === 5, 'the other file');
  await stop();
});

test('a deleted file is read to its end', async (t) => {
  const { dir, start } = createWorkshop(t);
  const stream = new FakeStream();
  let open = false;
  stream.answer = (records) => (open ? records.map(() => ({ ok: true })) : new Error('stream is down'));
  const expected = lines('x', 0, 100);
  writeFileSync(join(dir, 'a.log'), expected.join(''));
  const { stop } = start({ stream });
  await delay(300);
  appendFileSync(join(dir, 'a.log'), 'last words');
  rmSync(join(dir, 'a.log'));
  open = true;
  await until(() => stream.records().length === 101, 'every line');
  await stop();
  assert.deepEqual(stream.texts(), [...expected, 'last words']);
});

test('a partial line is shipped when its timer ends, and what follows is a record of its own', async (t) => {
  const { dir, start } = createWorkshop(t);
  writeFileSync(join(dir, 'a.log'), 'foo');
  const { stream, stop } = start();
  await until(() => stream.records().length === 1, 'the partial line');
  appendFileSync(join(dir, 'a.log'), 'bar\n');
  await until(() => stream.records().length === 2, 'the rest');
  await stop();
  assert.deepEqual(
    stream.records().map(({ text, offset }) => [text, offset]),
    [
      ['foo', 0],
      ['bar\n', 3],
    ],
  );
});

test('multiline groups travel whole, also when they come in pieces', async (t) => {
  const { dir, start } = createWorkshop(t);
  const framing = { type: 'multiline', firstline: /^[A-Z]/, firstlineSource: '^[A-Z]' } as const;
  const { stream, stop } = start({ source: { framing, multilineFlushMs: 400 } });
  const file = join(dir, 'a.log');
  writeFileSync(file, 'ERROR x\n  at y\n');
  await delay(150);
  appendFileSync(file, '  at z\nINFO done\n');
  await until(() => stream.records().length === 2, 'two records');
  await stop();
  assert.deepEqual(stream.texts(), ['ERROR x\n  at y\n  at z\n', 'INFO done\n']);
});

test('a lost acknowledgement and refused records repeat blocks byte for byte', async (t) => {
  const { dir, start } = createWorkshop(t);
  const expected = lines('x', 0, 30_000);
  writeFileSync(join(dir, 'a.log'), expected.join(''));
  const stream = new FakeStream();
  let calls = 0;
  stream.storesOnError = true;
  stream.answer = (records) => {
    calls++;
    if (calls % 3 === 1) return new Error('socket hang up');
    if (calls % 3 === 2)
      return records.map((_, i) =>
        i % 2 ? { ok: true } : { ok: false, code: 'ProvisionedThroughputExceededException', message: '' },
      );
    return records.map(() => ({ ok: true }));
  };
  assert.equal(await start({ stream, once: true }).done, true);
  assert.deepEqual(stream.texts(), expected);
  const distinct = new Set(stream.blocks.map((block) => block.toString('latin1')));
  assert.equal([...stream.copies()].length > expected.length, true, 'something was sent twice');
  assert.equal(distinct.size < stream.blocks.length, true, 'a repeated block has the same bytes');
});

test('with the position store lost everything is shipped again under new ids, and nothing is missing', async (t) => {
  const { dir, start } = createWorkshop(t);
  const expected = lines('x', 0, 100);
  writeFileSync(join(dir, 'a.log'), expected.join(''));
  const { stream, done } = start({ once: true });
  await done;
  rmSync(join(dir, 'state'), { recursive: true });
  await start({ once: true, stream }).done;
  assert.equal(stream.records().length, 200);
  assert.deepEqual(new Set(stream.texts()), new Set(expected));
});

test('an old copy of the position store does not swallow lines that begin alike', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'a.log');
  const stream = new FakeStream();
  writeFileSync(file, '# banner\nlife 0\n');
  await start({ once: true, stream }).done;
  const saved = readdirSync(join(dir, 'state')).filter((name) => name.startsWith('positions'));
  for (const name of saved) copyFileSync(join(dir, 'state', name), join(dir, `saved-${name}`));
  for (const life of [1, 2]) {
    truncateSync(file);
    writeFileSync(file, `# banner\nlife ${life}\n`);
    await start({ once: true, stream }).done;
  }
  for (const name of readdirSync(join(dir, 'state')))
    if (name.startsWith('positions')) rmSync(join(dir, 'state', name));
  for (const name of saved) copyFileSync(join(dir, `saved-${name}`), join(dir, 'state', name));
  truncateSync(file);
  writeFileSync(file, '# banner\nlife 3\n');
  await start({ once: true, stream }).done;
  assert.deepEqual(
    stream
      .texts()
      .filter((text) => text.startsWith('life'))
      .sort(),
    ['life 0\n', 'life 1\n', 'life 2\n', 'life 3\n'],
  );
  assert.ok(stream.texts().filter((text) => text.startsWith('#')).length >= 4, 'each banner is there');
});

test('a full outbox stops reading, and everything arrives when the stream is back', async (t) => {
  const { dir, start } = createWorkshop(t);
  const stream = new FakeStream();
  let open = false;
  stream.answer = (records) => (open ? records.map(() => ({ ok: true })) : new Error('stream is down'));
  // Random text, so that blocks stay large and the outbox of 2 MiB is full after a few.
  const expected = Array.from(
    { length: 60_000 },
    () => `${Math.random()} ${Math.random()} ${Math.random()}\n`,
  );
  writeFileSync(join(dir, 'a.log'), expected.join(''));
  const { stop } = start({ stream, output: { outboxBytes: 2 * 1024 * 1024 } });
  await delay(500);
  renameSync(join(dir, 'a.log'), join(dir, 'gone'));
  open = true;
  await until(() => stream.records().length === expected.length, 'all lines');
  await stop();
  assert.deepEqual(stream.texts(), expected);
});

test('a state folder serves one agent at a time', async (t) => {
  const { start } = createWorkshop(t);
  const first = start();
  await delay(100);
  await assert.rejects(start().done, { code: 'STATE_LOCKED' });
  await first.stop();
});
