import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Case, life, lines } from '../testing/case.ts';
import { recordsOf } from '../testing/received.ts';

const mebibyte = 1024 * 1024;

describe('where records end', { concurrency: 6 }, () => {
  for (const end of ['stop', 'kill'] as const) {
    test(`case 14: a partial line across a restart (${end}) is there once`, async (t) => {
      const world = await Case.open(t, { source: ['partial_flush_interval 0'] });
      world.write('a.log', 'whole\nbegun, ');
      await world.start();
      await world.arrived('whole\n');
      await delay(600);
      if (end === 'stop') await world.stop();
      else await world.agent.kill();
      world.append('a.log', 'ended\nnext\n');
      await world.start();
      // A stopping agent ships what is there: the record's second part is one of its own, at its own offset.
      const parts = end === 'stop' ? ['begun, ', 'ended\n'] : ['begun, ended\n'];
      await world.expect([life('a.log', ['whole\n', ...parts, 'next\n'])]);
    });
  }

  test('case 14: a partial line is shipped when its file is deleted', async (t) => {
    const world = await Case.open(t, { source: ['partial_flush_interval 0', 'rotate_wait 0.3s'] });
    world.write('a.log', 'whole\nlast words');
    await world.start();
    await world.arrived('whole\n');
    world.remove('a.log');
    await world.arrived('last words');
    await world.saw('file_closed');
    await world.expect([life('a.log', ['whole\n', 'last words'])]);
  });

  test('case 14: a line without its final newline is shipped by a timer, once', async (t) => {
    const world = await Case.open(t);
    world.write('a.log', 'whole\nno newline');
    await world.start();
    await world.arrived('no newline');
    await delay(700);
    world.append('a.log', ', more\nnext\n');
    await world.expect([life('a.log', ['whole\n', 'no newline', ', more\n', 'next\n'])]);
  });

  test('case 15: \\r\\n split at every offset near 8192 and 65536', async (t) => {
    const world = await Case.open(t);
    const files = [8190, 8191, 8192, 65_534, 65_535, 65_536].map((size) => ({
      name: `${size}.log`,
      texts: [`${'x'.repeat(size)}\r\n`, 'after\r\n'],
    }));
    for (const { name, texts } of files) world.write(name, texts.join(''));
    await world.start();
    world.write('split.log', 'begun\r');
    await delay(300);
    world.append('split.log', '\nafter\r\n');
    files.push({ name: 'split.log', texts: ['begun\r\n', 'after\r\n'] });
    await world.expect(files.map(({ name, texts }) => life(name, texts)));
  });

  test('case 15: a UTF-8 character that comes in two pieces is one', async (t) => {
    const world = await Case.open(t);
    const bytes = Buffer.from('\u{1f600} \uac00 é\n');
    for (let cut = 1; cut < bytes.length; cut++) world.write(`${cut}.log`, bytes.subarray(0, cut));
    await world.start();
    for (let cut = 1; cut < bytes.length; cut++) world.append(`${cut}.log`, bytes.subarray(cut));
    const text = bytes.toString('latin1');
    await world.expect(Array.from({ length: bytes.length - 1 }, (_, i) => life(`${i + 1}.log`, [text])));
  });

  for (const encoding of ['UTF-16LE', 'UTF-16BE'] as const) {
    test(`case 15: ${encoding} with its mark, a unit split between two writes`, async (t) => {
      const world = await Case.open(t, { source: [`from_encoding ${encoding}`] });
      // U+0A00 and U+000A: each byte of a newline also stands where none ends.
      const text = ['\ufeffone \u0a00\u000a', 'two \u0a0a\u000a'];
      const records = text.map((line) => {
        const bytes = Buffer.from(line, 'utf16le');
        return encoding === 'UTF-16BE' ? bytes.swap16() : bytes;
      });
      const all = Buffer.concat(records);
      world.write('a.log', all.subarray(0, 5));
      await world.start();
      world.append('a.log', all.subarray(5, 13));
      await delay(250);
      world.append('a.log', all.subarray(13));
      await world.expect([
        life(
          'a.log',
          records.map((record) => record.toString('latin1')),
        ),
      ]);
    });
  }

  test('case 15: a UTF-8 byte order mark is no reason to cut or to lose its line', async (t) => {
    const world = await Case.open(t);
    const texts = [Buffer.from('\ufefffirst\n').toString('latin1'), 'second\n'];
    world.write('a.log', '\ufefffirst\nsecond\n');
    await world.start();
    await world.expect([life('a.log', texts)]);
  });

  test('case 16: an over-long line without its end, a kill, then its rest: the pieces make the line', async (t) => {
    const world = await Case.open(t, { source: ['partial_flush_interval 0'] });
    const long = 'x'.repeat(2.5 * mebibyte);
    world.write('a.log', `before\n${long}`);
    await world.start();
    await world.saw('record_cut', 2);
    await delay(600);
    await world.agent.kill();
    world.append('a.log', `${'y'.repeat(mebibyte)}\nafter\n`);
    await world.start();
    await world.arrived('after\n');
    await world.stop();
    const [only, ...others] = world.lives();
    const texts = only?.records.map((record) => record.slice(record.indexOf(' ') + 1)) ?? [];
    assert.deepEqual([others, texts[0], texts.at(-1)], [[], 'before\n', 'after\n']);
    assert.equal(texts.slice(1, -1).join('') === `${long}${'y'.repeat(mebibyte)}\n`, true);
    const cuts = world.stream.blocks.length;
    assert.ok(cuts >= 4, `pieces of a block each: ${cuts}`);
  });

  test('case 16: max_line_size: what is cut away of a line is not a record of its own after a restart', async (t) => {
    const world = await Case.open(t, { source: ['max_line_size 1k', 'partial_flush_interval 0'] });
    world.write('a.log', `short 0\n${'x'.repeat(5_000)}`);
    await world.start();
    await world.arrived('short 0\n');
    await delay(600);
    await world.agent.kill();
    world.append('a.log', `${'y'.repeat(5_000)}\nshort 1\n`);
    await world.start();
    await world.arrived('short 1\n');
    await world.stop();
    const texts = recordsOf(world.stream.blocks).map((record) => record.text);
    assert.equal(texts.filter((text) => text.startsWith('y')).length, 0, 'the rest is part of the long line');
    assert.deepEqual(
      texts.filter((text) => text.startsWith('short')),
      ['short 0\n', 'short 1\n'],
    );
  });

  test('case 17: a long line among short ones is cut at characters, and they stay whole', async (t) => {
    const world = await Case.open(t);
    const long = `${'\uac00x'.repeat(600_000)}\n`; // 4 bytes a pair: cuts fall on and beside characters
    const before = lines('before', 0, 1000);
    const after = lines('after', 0, 1000);
    world.write('a.log', before.join('') + long + after.join(''));
    await world.start();
    await world.arrived('after 999\n');
    await world.stop();
    const [only] = world.lives();
    const texts = only?.records.map((record) => record.slice(record.indexOf(' ') + 1)) ?? [];
    const pieces = texts.slice(1000, -1000).map((piece) => Buffer.from(piece, 'latin1').toString());
    assert.deepEqual([texts.slice(0, 1000), texts.slice(-1000)], [before, after]);
    assert.equal(pieces.join('') === long, true);
    for (const piece of pieces) assert.doesNotMatch(piece, /\ufffd/);
  });
});

const multiline = ['@type multiline', 'format_firstline /^[A-Z]/', 'format1 /^(?<message>.*)/'];

describe('multiline records that are not finished', { concurrency: 6 }, () => {
  const pending = 'ERROR x\n  at y\n';
  for (const end of ['stop', 'kill'] as const) {
    test(`case 24: pending at the agent's end (${end})`, async (t) => {
      const world = await Case.open(t, { parse: multiline, source: ['multiline_flush_interval 0'] });
      world.write('a.log', `INFO a\n${pending}`);
      await world.start();
      await world.arrived('INFO a\n');
      await delay(400);
      if (end === 'stop') await world.stop();
      else await world.agent.kill();
      world.append('a.log', '  at z\nINFO b\n');
      await world.start();
      await world.stop();
      const groups = end === 'stop' ? [pending, '  at z\n'] : [`${pending}  at z\n`];
      await world.expect([life('a.log', ['INFO a\n', ...groups, 'INFO b\n'])]);
    });
  }

  test('case 24: pending at a rotation', async (t) => {
    const world = await Case.open(t, {
      path: 'a.log',
      parse: multiline,
      source: ['multiline_flush_interval 0', 'rotate_wait 0.5s'],
    });
    world.write('a.log', `INFO a\n${pending}`);
    await world.start();
    await world.arrived('INFO a\n');
    world.rename('a.log', 'a.log.1');
    world.write('a.log', 'INFO b\nINFO c\n');
    world.append('a.log.1', '  at z\n');
    await world.arrived(`${pending}  at z\n`);
    await world.stop();
    await world.expect([
      life('a.log', ['INFO a\n', `${pending}  at z\n`]),
      life('a.log', ['INFO b\n', 'INFO c\n']),
    ]);
  });

  test('case 24: pending until its timer', async (t) => {
    const world = await Case.open(t, { parse: multiline });
    world.write('a.log', `INFO a\n${pending}`);
    await world.start();
    await world.arrived(pending);
    world.append('a.log', 'INFO b\n');
    await world.expect([life('a.log', ['INFO a\n', pending, 'INFO b\n'])]);
  });
});
