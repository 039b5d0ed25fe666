import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Catalog } from '@millrace/archive/catalog.ts';
import type { Correction } from '@millrace/archive/corrections/correction.ts';
import { Corrections } from '@millrace/archive/corrections/corrections.ts';
import { Selector } from '@millrace/archive/select.ts';
import { fakeObjectStore } from '@millrace/archive/testing/fake-object-store.ts';
import { putObject, type TestRun, testBlock, testGeneration } from '@millrace/archive/testing/objects.ts';
import { generationText } from '@millrace/core/ids/generation.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { Draft, fileNameOf, targetOf } from './output.ts';
import { planRestore } from './plan.ts';
import { type Restored, restore } from './restore.ts';

const root = mkdtempSync(join(tmpdir(), 'millrace-restore-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;

function setUp() {
  const store = fakeObjectStore();
  const out = join(root, String(folders++));
  mkdirSync(out);
  const problems: string[] = [];
  let corrections = new Corrections([]);
  const drop = (ranges: [number, number][]) => {
    corrections = new Corrections([{ correction: dropped(ranges), withdrawn: false }]);
  };
  const archived = (...blocks: TestRun[][]) =>
    putObject(
      store,
      blocks.map((runs) => testBlock(runs)),
    );
  const plan = async (file = '/var/log/a.log', generation = '') => {
    const catalog = new Catalog({ objects: store, prefix: '', clock: systemClock, onProblem: () => {} });
    const selector = new Selector({ hosts: ['web-1'], files: [file], tags: [] });
    return planRestore(catalog.entries({ stream: 'logs' }), selector, generation);
  };
  const run = async (options: { to?: string; force?: boolean; file?: string } = {}): Promise<Restored[]> => {
    const planned = await plan(options.file);
    const force = options.force === true;
    const work = {
      objects: store,
      clock: systemClock,
      target: await targetOf(options.to ?? out, planned.lives, force),
      force,
      spoolBytesMax: 64,
      readBytes: 1_048_576,
      windowed: false,
      corrections: async () => corrections,
      onProblem: ({ key, error }: { key: string; error: Error }) => problems.push(`${key}: ${error.message}`),
      onProgress() {},
    };
    const done: Restored[] = [];
    for await (const life of restore(planned, work, new AbortController().signal)) done.push(life);
    return done;
  };
  return { store, out, problems, archived, plan, run, drop };
}

function dropped(ranges: [number, number][]): Correction {
  const sources = [{ generation: generationText(testGeneration(1)), ranges }];
  const select = { tags: [], hosts: [], files: [] };
  return {
    v: 1,
    stream: 'logs',
    number: 3,
    madeMs: 0,
    reason: '',
    select,
    action: { drop: true },
    objects: [],
    sources,
  };
}

const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');

test('lives of a file come back byte for byte, each in a file of its own, whatever order blocks came in', async () => {
  const { out, archived, run, store } = setUp();
  const lives = [1, 2, 3].map((life) =>
    Buffer.from(Array.from({ length: 40 }, (_, i) => `life ${life} line ${i}\n`).join('')),
  );
  const runs = lives.flatMap((bytes, i) => {
    const parts: TestRun[] = [];
    for (let from = 0; from < bytes.length; from += 37) {
      parts.push({ life: i + 1, from, text: bytes.subarray(from, from + 37).toString('latin1') });
    }
    return parts;
  });
  const shuffled = runs
    .map((item, i) => ({ item, place: (i * 7919) % 131 }))
    .sort((a, b) => a.place - b.place);
  for (const { item } of shuffled) archived([item]);
  // Retried sends: the same blocks in another object.
  archived([runs[0] as TestRun], [runs[1] as TestRun]);
  const done = await run();
  assert.deepEqual(
    done.map(({ state, bytes, missing, changed, sha256: sum }) => ({ state, bytes, missing, changed, sum })),
    lives.map((bytes) => ({
      state: 'written',
      bytes: bytes.length,
      missing: [],
      changed: [],
      sum: sha256(bytes),
    })),
  );
  for (const [i, { file }] of done.entries()) assert.deepEqual(readFileSync(file), lives[i]);
  assert.equal(readdirSync(out).length, 3, 'no spool is left');

  const reads = store.calls.length;
  assert.deepEqual(
    (await run()).map(({ state }) => state),
    ['there', 'there', 'there'],
  );
  assert.equal(store.calls.slice(reads).filter((call) => call === 'read').length <= runs.length + 1, true);
});

test('what is missing is named with its bytes, at the start and in between', async () => {
  const { archived, run } = setUp();
  archived([{ from: 10, text: 'second\n' }], [{ from: 30, text: 'last\n' }]);
  const [life] = await run();
  assert.deepEqual(life?.missing, [
    { from: 0, to: 10 },
    { from: 17, to: 30 },
  ]);
  assert.equal(readFileSync(life.file, 'utf8'), 'second\nlast\n');
});

test('what a filter removed or rewrote is named with its bytes and the filter', async () => {
  const { archived, run } = setUp();
  archived([
    {
      from: 0,
      length: 30,
      text: 'keep this\nsecret=***\n',
      exceptions: [
        { from: 10, length: 5, shipped: 0, by: 'drop-health' },
        { from: 15, length: 15, shipped: 11, by: 'mask' },
      ],
    },
  ]);
  const [life] = await run();
  assert.deepEqual(life?.missing, []);
  assert.deepEqual(life?.changed, [
    { from: 10, to: 15, by: 'drop-health', kind: 'removed' },
    { from: 15, to: 30, by: 'mask', kind: 'rewritten' },
  ]);
  assert.equal(readFileSync(life?.file ?? '', 'utf8'), 'keep this\nsecret=***\n');
});

test('a run of very many exceptions, as nobody but an attacker writes it, is restored', async () => {
  const { archived, run } = setUp();
  const exceptions = Array.from({ length: 200_000 }, (_, from) => ({
    from,
    length: 1,
    shipped: 0,
    by: 'drop',
  }));
  archived([{ from: 0, text: 'end\n', length: 200_004, exceptions }]);
  const [restored] = await run();
  assert.deepEqual([restored?.bytes, restored?.to, restored?.changed.length], [4, 200_004, 1]);
});

test('what was read under the name that the file was rotated to belongs to its life', async () => {
  const { archived, run } = setUp();
  archived([{ from: 0, text: 'as a.log\n' }]);
  archived([{ from: 9, text: 'as a.log.1\n', path: '/var/log/a.log.1' }]);
  archived([{ from: 0, text: 'another file\n', path: '/var/log/b.log', life: 9 }]);
  const done = await run();
  assert.equal(done.length, 1);
  assert.equal(readFileSync(done[0]?.file ?? '', 'utf8'), 'as a.log\nas a.log.1\n');
});

test('a last line without a newline gets none, and a damaged block is a gap that is told', async () => {
  const { archived, run, store, problems } = setUp();
  archived([{ from: 0, text: 'one\n' }]);
  const key = archived([{ from: 4, text: 'two\n' }]);
  archived([{ from: 8, text: 'no end' }]);
  const object = store.objects.get(key);
  assert.ok(object);
  const at = object.bytes.indexOf('two');
  object.bytes[at] = 0x54;
  const [life] = await run();
  assert.equal(readFileSync(life?.file ?? '', 'utf8'), 'one\nno end');
  assert.deepEqual(life?.missing, [{ from: 4, to: 8 }]);
  assert.equal(problems.length, 1);
});

test('nothing is written outside of the folder, whatever the path in the archive says', async () => {
  const { archived, run, out } = setUp();
  const path = '/var/log/..\\..\n/..';
  archived([{ from: 0, text: 'x\n', path }]);
  const [life] = await run({ file: path });
  assert.deepEqual(readdirSync(out), [`_-${testGeneration(1).toString('hex')}`]);
  assert.equal(life?.file, join(out, readdirSync(out)[0] ?? ''));
  const names = ['/a/../../etc/passwd', 'a\\..\\b', '...', '', `/${'\u00fc'.repeat(400)}`].map((each) =>
    fileNameOf({ path: each, generation: 'f', host: '', bytes: 0, objects: new Set() }),
  );
  for (const name of names) {
    assert.doesNotMatch(name, /^\.|[/\\]/);
    assert.ok(Buffer.byteLength(name) < 255);
  }
});

test('a link where the file goes is replaced, not followed; a file that is there is kept without --force', async () => {
  const { archived, run, out } = setUp();
  archived([{ from: 0, text: 'restored\n' }]);
  const elsewhere = join(root, 'elsewhere');
  writeFileSync(elsewhere, 'precious');
  symlinkSync(elsewhere, join(out, 'a.log'));
  await assert.rejects(run({ to: join(out, 'a.log') }), { code: 'USAGE' });
  const [life] = await run({ to: join(out, 'a.log'), force: true });
  assert.equal(readFileSync(elsewhere, 'utf8'), 'precious');
  assert.equal(readFileSync(life?.file ?? '', 'utf8'), 'restored\n');
});

test('several lives do not go into one file, and what a killed restore left is removed', async () => {
  const { archived, run, out } = setUp();
  archived([
    { from: 0, text: 'one\n' },
    { from: 0, text: 'two\n', life: 2 },
  ]);
  await assert.rejects(run({ to: join(out, 'a.log') }), { code: 'USAGE' });
  writeFileSync(join(out, '.millrace-restore-999999999-00'), 'half');
  assert.equal((await run()).length, 2);
  assert.equal(readdirSync(out).length, 2);
});

test('one life is chosen by the first digits of its generation', async () => {
  const { archived, plan } = setUp();
  archived([
    { from: 0, text: 'one\n' },
    { from: 0, text: 'two\n', life: 2 },
  ]);
  const generation = testGeneration(2).toString('hex');
  assert.deepEqual(
    (await plan('/var/log/*', generation)).lives.map((life) => life.generation),
    [generation],
  );
});

test('what a correction drops is not restored, and is named', async () => {
  const { archived, run, drop } = setUp();
  archived([{ from: 0, text: 'one\nsecret\nthree\n' }]);
  drop([[4, 11]]);
  const [life] = await run();
  assert.equal(readFileSync(life?.file ?? '', 'utf8'), 'one\nthree\n');
  assert.deepEqual(life?.changed, [{ from: 4, to: 11, by: 'correction 3', kind: 'removed' }]);
});

test('a block that is not the one of its id is not restored, however well it decodes', async () => {
  const { archived, run, store, problems } = setUp();
  const key = archived([{ from: 0, text: 'one\n' }], [{ from: 4, text: 'two\n' }]);
  const object = store.objects.get(key);
  const [right, other] = ['two\n', 'owt\n'].map((text) => testBlock([{ from: 4, text }]));
  assert.ok(object && right && other && right.length === other.length);
  other.copy(object.bytes, object.bytes.indexOf(right));
  const [life] = await run();
  assert.equal(readFileSync(life?.file ?? '', 'utf8'), 'one\n');
  assert.equal(problems.length, 1);
});

test('a draft is never written through a link that was there first', async () => {
  const { out } = setUp();
  const elsewhere = join(root, 'target-of-a-link');
  writeFileSync(elsewhere, 'precious');
  symlinkSync(elsewhere, join(out, `.millrace-restore-${process.pid}-0102`));
  await assert.rejects(Draft.create(out, Uint8Array.of(1, 2), true), { code: 'EEXIST' });
});
