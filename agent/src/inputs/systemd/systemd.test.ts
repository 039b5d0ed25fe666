import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { InputCase } from '../../testing/input-case.ts';
import { JsonLines } from '../forward/json-lines.ts';
import { type EntrySettings, writeEntry } from './entry-line.ts';
import { type Entry, ExportReader } from './export-format.ts';

const remote = '/lib/systemd/systemd-journal-remote';
const limits = { fieldBytesMax: 20, entryBytesMax: 100 };

function binary(name: string, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([Buffer.from(`${name}\n`), size, bytes, Buffer.from('\n')]);
}

/** Entries `from` to `to`, as `journalctl -o export` writes them. */
function exported(from: number, to: number): Buffer {
  const parts: Buffer[] = [];
  for (let n = from; n <= to; n++) {
    const us = 1_700_000_000_000_000 + n;
    const head = `__REALTIME_TIMESTAMP=${us}\n__MONOTONIC_TIMESTAMP=${n}\n_BOOT_ID=00000000000000000000000000000001\n`;
    parts.push(Buffer.from(`${head}_SOURCE_REALTIME_TIMESTAMP=${us}\nPRIORITY=3\nUNIT_NUMBER=${n % 2}\n`));
    parts.push(binary('MESSAGE', `message ${n}\nof two lines`), Buffer.from('\n'));
  }
  return Buffer.concat(parts);
}

/** Writes entries into a real journal. */
function write(dir: string, from: number, to: number): void {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, `part-${from}.journal`);
  execFileSync(remote, ['--output', file, '-'], {
    input: exported(from, to),
    stdio: ['pipe', 'ignore', 'ignore'],
  });
}

function install(): void {
  if (existsSync(remote)) return;
  execFileSync('apt-get', ['update'], { stdio: 'ignore' });
  execFileSync('apt-get', ['install', '-y', '--no-install-recommends', 'systemd', 'systemd-journal-remote'], {
    stdio: 'ignore',
  });
}

function entriesOf(pieces: Buffer[], bounds = limits): [string[], number][] {
  const reader = new ExportReader(bounds);
  const entries: Entry[] = pieces.flatMap((piece) => [...reader.feed(piece)]);
  return entries.map(({ fields, cut }) => [
    fields.map(([name, value]) => `${name}=${value.toString('latin1')}`),
    cut,
  ]);
}

test('the export format is read the same in whatever pieces it comes, its sizes bounded', () => {
  const bytes = Buffer.concat([
    Buffer.from('A=1\nB=x=y\n'),
    binary('BIN', 'a\nb=\n\nc'),
    Buffer.from('\n\nLONG='),
    Buffer.alloc(500, 'x'),
    Buffer.from('\nAFTER=1\n'),
    binary('HUGE', Buffer.alloc(5000, 'y')),
    Buffer.from('LAST=2\n\n'),
    ...Array.from({ length: 10 }, (_, i) => Buffer.from(`F${i}=${'z'.repeat(18)}\n`)),
    Buffer.from('\nEMPTY=\n\nUNFINISHED=1\n'),
  ]);
  const expected: [string[], number][] = [
    [['A=1', 'B=x=y', 'BIN=a\nb=\n\nc'], 0],
    [[`LONG=${'x'.repeat(20)}`, 'AFTER=1', `HUGE=${'y'.repeat(20)}`, 'LAST=2'], 2],
    [Array.from({ length: 5 }, (_, i) => `F${i}=${'z'.repeat(18)}`), 5],
    [['EMPTY='], 0],
  ];
  assert.deepEqual(entriesOf([bytes]), expected);
  assert.deepEqual(entriesOf(Array.from(bytes, (byte) => Buffer.of(byte))), expected);
  for (let at = 0; at < bytes.length; at += 7)
    assert.deepEqual(entriesOf([bytes.subarray(0, at), bytes.subarray(at)]), expected);
});

test('names of fields are mapped as fluent-plugin-systemd does', () => {
  const none: EntrySettings = {
    fieldMap: new Map(),
    strict: false,
    stripUnderscores: false,
    lowercase: false,
  };
  const fields = Object.entries({
    __CURSOR: 'c',
    __REALTIME_TIMESTAMP: '1700000000000001',
    MESSAGE: 'm',
    _PID: '1',
    PRIORITY: '4',
  });
  const entry: Entry = {
    fields: [...fields, ['TAG', 'a'], ['TAG', 'b']].map(([k = '', v = '']) => [k, Buffer.from(v)]),
    cut: 0,
  };
  const line = (settings: Partial<EntrySettings>) => {
    const lines = new JsonLines();
    writeEntry(entry, { ...none, ...settings }, lines);
    return lines.take().toString();
  };
  const head = '{"@time":"2023-11-14T22:13:20.000001Z","log.level":"warn"';
  assert.equal(line({}), `${head},"message":"m","_PID":"1","PRIORITY":"4","TAG":["a","b"]}\n`);
  assert.equal(
    line({ stripUnderscores: true, lowercase: true }),
    `${head},"message":"m","pid":"1","priority":"4","tag":["a","b"]}\n`,
  );
  const fieldMap = new Map([
    ['MESSAGE', ['log']],
    ['_PID', ['log', 'pid']],
  ]);
  assert.equal(line({ fieldMap, strict: true }), `${head},"log":"m 1","pid":"1"}\n`);
});

test('a real journal is followed, and each entry delivered once, whenever the agent is killed', async (t) => {
  install();
  const world = await InputCase.open(t, []);
  const journal = join(world.dir, 'journal');
  world.source = ['@type systemd', 'tag journal', `path ${journal}`, 'read_from_head true'];
  const wanted = (to: number) =>
    Array.from({ length: to }, (_, i) => i + 1).map((n) => ({
      message: `message ${n}\nof two lines`,
      level: 'error',
      n,
    }));
  const seen = () =>
    world.texts().map((text) => {
      const record = JSON.parse(text) as Record<string, string>;
      const n = Number(record['@time']?.slice(20, 26));
      return { message: record.message, level: record['log.level'], n };
    });
  let last = 0;
  for (const to of [300, 301, 4000, 9000, 9001]) {
    write(journal, last + 1, to);
    last = to;
    await world.start();
    // Killed at any moment, and at the end when everything was seen.
    await new Promise((resolve) => setTimeout(resolve, to % 7 === 0 ? 0 : to % 400));
    await world.agent.kill();
  }
  await world.start();
  await world.until(() => seen().length >= last, 'all entries');
  write(journal, last + 1, last + 5);
  await world.until(() => seen().length >= last + 5, 'what is written while it runs');
  await world.stop();
  assert.deepEqual(
    seen().toSorted((a, b) => a.n - b.n),
    wanted(last + 5),
  );
});

test('matches choose entries, and the very first start begins with those to come', async (t) => {
  install();
  const world = await InputCase.open(t, []);
  const journal = join(world.dir, 'journal');
  write(journal, 1, 10);
  world.source = ['@type systemd', 'tag journal', `path ${journal}`, 'matches [{"UNIT_NUMBER": "1"}]'];
  await world.start();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  write(journal, 11, 20);
  await world.until(() => world.texts().length >= 5, 'the odd ones');
  await world.agent.kill();
  write(journal, 21, 24);
  await world.start();
  await world.until(() => world.texts().length >= 7, 'those that came meanwhile');
  await world.stop();
  const numbers = world.texts().map((text) => Number(/message (\d+)/.exec(text)?.[1]));
  assert.deepEqual(numbers, [11, 13, 15, 17, 19, 21, 23]);
});
