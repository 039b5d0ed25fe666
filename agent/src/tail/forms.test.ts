import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { compileDecoder, withoutTerminator } from '@millrace/core/parse/encoding.ts';
import { parseRule } from '@millrace/core/rule/rule.ts';
import type { Run } from '@millrace/core/wire/block.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import type { TailSource } from '../config/pipeline.ts';
import { createWorkshop, type FakeStream, until } from '../testing/harness.ts';

/** Texts as the consumer reads them: in the encoding that the block's rule names. */
function messages(stream: FakeStream): string[] {
  return stream.blocks.flatMap((bytes) => {
    const block = decodeBlock(bytes);
    return [...blockRecords(block)].map(({ source, start, end }) => {
      const { encoding } = parseRule(block.header.rules[source.rule] ?? '');
      return withoutTerminator(compileDecoder(encoding)(Buffer.from(block.payload), start, end));
    });
  });
}

function runs(stream: FakeStream): Run[] {
  return stream.blocks.flatMap((bytes) => decodeBlock(bytes).header.runs);
}

const wide = (text: string) => Buffer.from(text, 'utf16le');

test('a byte order mark decides how a file is read, also after a restart', async (t) => {
  const cases: [name: string, encode: (text: string) => Buffer][] = [
    ['le.log', wide],
    ['be.log', (text) => wide(text).swap16()],
    ['utf8.log', (text) => Buffer.from(text)],
  ];
  const { dir, start } = createWorkshop(t);
  const euc: Partial<TailSource> = { rule: { v: 1, parse: { type: 'none' }, encoding: 'euc-kr' } };
  for (const [name, encode] of cases) writeFileSync(join(dir, name), encode('\ufeff첫 줄\r\n'));
  writeFileSync(join(dir, 'named.log'), Buffer.from([0xb0, 0xa1, 0x0a]));
  const { stream, stop } = start({ source: euc });
  await until(() => messages(stream).length === 4, 'the first lines');
  assert.equal(await stop(), true);
  for (const [name, encode] of cases) appendFileSync(join(dir, name), encode('둘째 Ċ\n'));
  const again = start({ source: euc, stream });
  await until(() => messages(stream).length === 7, 'the second lines');
  assert.equal(await again.stop(), true);
  const expected = ['가', ...cases.flatMap(() => ['첫 줄', '둘째 Ċ'])];
  assert.deepEqual(messages(stream).sort(), expected.sort());
});

test('a code unit that is half written when a timer ends is not split', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'a.log');
  const source: Partial<TailSource> = {
    partialFlushMs: 100,
    rule: { v: 1, parse: { type: 'none' }, encoding: 'utf-16le' },
  };
  const bytes = wide('가나다\n라\n');
  writeFileSync(file, bytes.subarray(0, 3));
  const { stream, stop } = start({ source });
  await until(() => messages(stream).length === 1, 'the whole unit');
  await delay(300);
  appendFileSync(file, bytes.subarray(3));
  await until(() => messages(stream).length === 3, 'the rest');
  assert.equal(await stop(), true);
  assert.deepEqual(messages(stream), ['가', '나다', '라']);
});

test('what follows a line that was shipped unfinished before a restart is marked as its rest', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'a.log');
  writeFileSync(file, 'whole\nunfin');
  const { stream, stop } = start();
  await until(() => stream.records().length >= 1, 'the whole line');
  assert.equal(await stop(), true);
  appendFileSync(file, 'ished\nnext\n');
  const again = start({ stream });
  await until(() => stream.records().length === 4, 'the rest');
  assert.equal(await again.stop(), true);
  assert.deepEqual(stream.texts(), ['whole\n', 'unfin', 'ished\n', 'next\n']);
  const rest = runs(stream).find((run) => run.from === 'whole\nunfin'.length);
  assert.equal(rest?.continues, true);
});

test('a record longer than max_line_size is dropped and named, however long it is', async (t) => {
  const { dir, start } = createWorkshop(t);
  const long = `${'x'.repeat(5_000)}\n`;
  const huge = `${'y'.repeat(2_500_000)}\n`;
  const text = `a\n${long}b\n${huge}c\n${long}${long}d\n`;
  writeFileSync(join(dir, 'a.log'), text);
  const { stream, done } = start({ once: true, source: { maxLineBytes: 4_999 } });
  assert.equal(await done, true);
  assert.deepEqual(stream.texts(), ['a\n', 'b\n', 'c\n', 'd\n']);
  for (const { text: line, offset } of stream.records()) assert.equal(offset, text.indexOf(line));
  const dropped = runs(stream).flatMap((run) => run.exceptions ?? []);
  assert.deepEqual(new Set(dropped.map(({ by }) => by)), new Set(['max_line_size']));
  assert.equal(
    dropped.reduce((sum, { length }) => sum + length, 0),
    huge.length + long.length * 3,
  );
  const covered = runs(stream).reduce((sum, run) => sum + run.to - run.from, 0);
  assert.equal(covered, text.length, 'what is dropped is covered by runs as well');
});

test('the rest of a record that is being dropped is dropped after a restart', async (t) => {
  const { dir, start } = createWorkshop(t);
  const file = join(dir, 'a.log');
  writeFileSync(file, `a\n${'x'.repeat(1_500_000)}`);
  const { stream, stop } = start({ source: { maxLineBytes: 10 } });
  await until(() => stream.records().length === 1, 'the first line');
  await delay(200);
  assert.equal(await stop(), true);
  appendFileSync(file, 'end\nb\n');
  const again = start({ stream, source: { maxLineBytes: 10 } });
  await until(() => stream.records().length > 1, 'the next line');
  assert.equal(await again.stop(), true);
  assert.deepEqual(stream.texts(), ['a\n', 'b\n']);
});

test('a group that is longer than its bounds is cut, its pieces are marked, and nothing is lost', async (t) => {
  const { dir, start } = createWorkshop(t);
  const lines = ['first\n', ...Array.from({ length: 9 }, (_, i) => ` ${i}\n`), 'second\n'];
  writeFileSync(join(dir, 'a.log'), lines.join(''));
  const bounds = { lines: 4, bytes: 1000 };
  const framing = { type: 'continuation', continuation: /^ /, name: '', bounds } as const;
  const { stream, done } = start({ once: true, source: { framing } });
  assert.equal(await done, true);
  const cuts = [lines.slice(0, 4), lines.slice(4, 8), lines.slice(8, 10), lines.slice(10)];
  assert.deepEqual(
    stream.texts(),
    cuts.map((cut) => cut.join('')),
  );
  assert.deepEqual(
    runs(stream).map(({ continues, continued }) => [continues, continued]),
    [
      [false, true],
      [true, true],
      [true, false],
    ],
  );
});

test("a container's message in parts is one record, and its last part is shipped when its timer ends", async (t) => {
  const { dir, start } = createWorkshop(t);
  const line = (tag: string, text: string) => `2026-01-02T03:04:05.6Z stdout ${tag} ${text}\n`;
  const file = join(dir, 'a.log');
  writeFileSync(file, line('F', 'a') + line('P', 'b'));
  const { stream, stop } = start({ source: { framing: { type: 'cri' }, multilineFlushMs: 600 } });
  await until(() => stream.records().length === 1, 'the whole message');
  appendFileSync(file, line('F', 'c') + line('P', 'd'));
  await until(() => stream.records().length === 3, 'the part');
  assert.equal(await stop(), true);
  assert.deepEqual(stream.texts(), [line('F', 'a'), line('P', 'b') + line('F', 'c'), line('P', 'd')]);
});
