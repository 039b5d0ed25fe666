import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BlockNote, notesFolder, readBegun } from './block-note.ts';
import type { ShardRecord } from './record.ts';

function setUp(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace note '));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(notesFolder(folder), 's.note');
  const open = () => new BlockNote(folder, 's');
  /** A process that is killed in the middle of a record leaves the file as it was then. */
  const dieAt = (at: ShardRecord) => {
    const note = open();
    note.during(record('1'), () => {});
    note.during(at, () => {
      note.step();
      copyFileSync(file, `${file}.then`);
    });
    writeFileSync(file, readFileSync(`${file}.then`));
  };
  return { file, open, dieAt };
}

const record = (sequence: string, subSequence = 0): ShardRecord => ({
  data: Buffer.alloc(0),
  sequence,
  subSequence,
  partitionKey: 'k',
  arrivalMs: 0,
});

test('a record that two processes ended in the middle of is condemned, and stays so', (t) => {
  const { open, dieAt } = setUp(t);
  const bad = record('3', 7);
  dieAt(bad);
  assert.equal(open().condemned(bad), false, 'once may be chance');
  dieAt(bad);
  dieAt(bad);
  for (let i = 0; i < 3; i++) assert.ok(open().condemned(bad));
  for (const other of [record('3'), record('1'), record('4')]) assert.equal(open().condemned(other), false);
});

test('two processes that ended at different records condemn neither', (t) => {
  const { open, dieAt } = setUp(t);
  dieAt(record('3'));
  dieAt(record('4'));
  dieAt(record('3'));
  assert.equal(open().condemned(record('3')), false);
  assert.equal(open().condemned(record('4')), false);
});

test('a record whose work throws is no death', (t) => {
  const { file, open } = setUp(t);
  for (let i = 0; i < 3; i++) {
    const note = open();
    assert.throws(() =>
      note.during(record('3'), () => {
        throw new Error('x');
      }),
    );
    assert.equal(readBegun(file), undefined);
  }
  assert.equal(open().condemned(record('3')), false);
});

test('what is begun stands in the file, and each step changes it', (t) => {
  const { file, open } = setUp(t);
  const note = open();
  note.during(record('3'), () => {
    assert.deepEqual(readBegun(file), { pid: process.pid, record: '3.0', step: 0, deaths: 0 });
    note.step();
    assert.equal(readBegun(file)?.step, 1);
  });
  assert.equal(readBegun(file), undefined);
});

test('a record whose work comes in many pieces does not stand still', (t) => {
  const { file, open } = setUp(t);
  const note = open();
  const seen = [1, 2, 3].map(() => note.during(record('3'), () => readBegun(file)?.step));
  assert.equal(new Set(seen).size, 3);
});

test('the file never grows, and a torn or foreign one is begun anew', (t) => {
  const { file, open, dieAt } = setUp(t);
  const sequence = (i: number) => record(`49${'0'.repeat(50)}${1_000 + i}`, 12_345);
  for (let i = 0; i < 50; i++) {
    dieAt(sequence(i));
    dieAt(sequence(i));
  }
  open();
  assert.equal(statSync(file).size, 4_096);
  assert.ok(open().condemned(sequence(49)));
  assert.equal(open().condemned(sequence(0)), false, 'the oldest are forgotten');
  for (const text of ['', '{"pid":1', `${'x'.repeat(300)}`, '{"pid":"1","record":3}', '[]']) {
    writeFileSync(file, text);
    assert.equal(readBegun(file), undefined);
    assert.equal(open().condemned(record('3')), false);
  }
});

test('a full disk keeps no shard from being processed', (t) => {
  const { file, open } = setUp(t);
  open();
  rmSync(file);
  symlinkSync('/dev/full', file);
  const note = open();
  assert.equal(note.kept, false);
  assert.equal(
    note.during(record('3'), () => 'done'),
    'done',
  );
});
