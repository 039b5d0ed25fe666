import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Catalog } from '@millrace/archive/catalog.ts';
import { CorrectionShelf } from '@millrace/archive/corrections/shelf.ts';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { generationText } from '@millrace/core/ids/generation.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import { consumerEvents } from '../events.ts';
import { IndexerConfigSchema } from '../index/config.ts';
import { type SmallArchive, smallArchive } from '../testing/small-archive.ts';
import { wholeStore } from '../testing/whole-store.ts';
import { CatalogProblems } from './catalog-problems.ts';
import { type Counts, noCounts } from './counts.ts';
import { Journal } from './journal.ts';
import { Progress } from './progress.ts';
import { RateLimit } from './rate.ts';
import { type ReplayOptions, replay } from './replay.ts';
import { ReplayIndices } from './replay-indices.ts';
import { parseReplayArgs } from './request.ts';
import { Selection } from './selection.ts';
import { documentsTarget } from './stdout-target.ts';
import { storeTarget } from './store-target.ts';
import { streamTarget } from './stream-target.ts';
import type { ReplayTarget } from './target.ts';

const clock = systemClock;
const running = new AbortController().signal;
const nowMs = Date.UTC(2026, 1, 4);
const noHorizon = new ReplayIndices(new Map(), new Set());

function journalIn(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-replay-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'state.jsonl');
}

function intoStore(
  store: ReturnType<typeof wholeStore>,
  indices: ReplayIndices | (() => ReplayIndices) = noHorizon,
  time = clock,
): ReplayTarget {
  const telemetry = createTelemetry('consumer', consumerEvents, createLogger('test', 'silent'));
  const bounds = { body_documents_max: 2, flush_ms: 1, retry: { base_ms: 1, max_ms: 2 } };
  const config = validateConfig(IndexerConfigSchema, bounds, 'test');
  const known = async () => (typeof indices === 'function' ? indices() : indices);
  return storeTarget({
    store,
    indices: known,
    clock: time,
    telemetry,
    config,
    say: () => {},
    signal: running,
  });
}

interface Run {
  archive: SmallArchive;
  target: ReplayTarget;
  args?: string[];
  journal?: Pick<Journal, 'done' | 'add' | 'counts'>;
  problems?: string[];
  correctLate?: ReplayOptions['correctLate'];
}

function run({ archive, target, args = [], journal, problems = [], correctLate }: Run): Promise<Counts> {
  const { objects } = archive;
  const shelf = new CorrectionShelf(objects, '');
  const catalog = new CatalogProblems('', (where, error) => problems.push(`${where}: ${error}`));
  const none = { done: new Set<string>(), add: () => undefined, counts: noCounts() };
  return replay({
    catalog: new Catalog({
      objects,
      prefix: '',
      clock,
      onProblem: (item) => catalog.add(item),
      manifests: 'off',
    }),
    objects,
    renderer: createRenderer(),
    selection: new Selection(parseReplayArgs(args, nowMs).request),
    streams: ['logs'],
    corrections: (stream) => shelf.load(stream),
    target,
    journal: journal ?? none,
    progress: new Progress('none', { stderr: () => {}, tty: false, clock }),
    rate: new RateLimit(undefined, clock),
    readBytes: 1_048_576,
    clock: { ...clock, sleep: async () => {} },
    unlisted: catalog.unlisted,
    ...(correctLate ? { correctLate } : {}),
    onProblem: (where, error) => problems.push(`${where}: ${error}`),
    signal: running,
  });
}

test('a replay writes every event once, and the same again writes nothing and says so', async () => {
  const archive = smallArchive();
  archive.add({ blocks: [['a', 'b'], ['c']] });
  archive.add({ blocks: [['d']] });
  const store = wholeStore();
  const first = await run({ archive, target: intoStore(store) });
  assert.deepEqual([first.events, first.written, first.existing, first.objects], [4, 4, 0, 2]);
  const again = await run({ archive, target: intoStore(store) });
  assert.deepEqual([again.events, again.written, again.existing], [4, 0, 4]);
  assert.equal(store.held.size, 4);
});

test('a replay that died goes on with the objects that are not done, and knows the sums', async (t) => {
  const file = journalIn(t);
  const archive = smallArchive();
  const keys = [archive.add({ blocks: [['a', 'b']] }), archive.add({ blocks: [['c']] })];
  const store = wholeStore();
  const journal = new Journal(file, { a: 1 }, 5);
  let added = 0;
  const dying = {
    done: journal.done,
    counts: journal.counts,
    add(key: string, counts: Partial<Counts>) {
      if (added++ > 0) throw new Error('killed');
      journal.add(key, counts);
    },
  };
  await assert.rejects(run({ archive, target: intoStore(store), journal: dying }), /killed/);
  const next = new Journal(file, { a: 1 }, 6);
  assert.deepEqual([[...next.done], next.nowMs], [[keys[0]], 5]);
  const counts = await run({ archive, target: intoStore(store), journal: next });
  assert.deepEqual([counts.events, counts.written + counts.existing, counts.objects], [3, 3, 2]);
  assert.throws(() => new Journal(file, { a: 2 }, 0), { code: 'USAGE' });
  assert.equal(readFileSync(file, 'utf8').trim().split('\n').length, 3);
});

test('events are selected by time, source and query', async () => {
  const archive = smallArchive();
  const rule = '{"parse":{"type":"json"},"time":{"key":"time","type":"string"},"v":1}';
  const line = (hour: number, level: string) =>
    JSON.stringify({ time: `2026-02-03T0${hour}:00:00Z`, level, message: `at ${hour}` });
  archive.add({ blocks: [[line(1, 'info'), line(2, 'error'), line(3, 'error')]], rule, host: 'web-1' });
  archive.add({ blocks: [[line(4, 'error')]], rule, host: 'db-1' });
  for (const [args, expected] of [
    [[], ['at 1', 'at 2', 'at 3', 'at 4']],
    [
      ['--from', '2026-02-03T02:00:00Z', '--to', '2026-02-03T03:00:00Z'],
      ['at 2', 'at 3'],
    ],
    [['--from', '2026-02-04'], []],
    [
      ['--to', '2026-02-03'],
      ['at 1', 'at 2', 'at 3', 'at 4'],
    ],
    [
      ['--query', 'level:error'],
      ['at 2', 'at 3', 'at 4'],
    ],
    [
      ['--query', 'level:error', '--host', 'web-*'],
      ['at 2', 'at 3'],
    ],
    [['--tag', 'x'], []],
    [['--file', '/var/*/0.log', '--host', 'db-1'], ['at 4']],
  ] as const) {
    let text = '';
    const target = documentsTarget(async (data) => {
      text += data;
    });
    const counts = await run({ archive, target, args: [...args] });
    const lines = text.split('\n').slice(0, -1);
    const found = lines.map(
      (item) => JSON.parse(item) as { message: string; kv?: unknown; event: { id: string } },
    );
    assert.deepEqual(
      found.map(({ message }) => message),
      expected,
      args.join(' '),
    );
    assert.equal(counts.written, expected.length);
    assert.ok(found.every(({ kv, event }) => kv === undefined && event.id.length === 35));
  }
});

test('to a stream, whole blocks go verbatim and selected records under their own ids', async () => {
  const archive = smallArchive();
  const key = archive.add({ blocks: [['a', 'b'], ['c']] });
  for (const [args, expected] of [
    [[], ['a', 'b', 'c']],
    [['--query', 'b'], ['b']],
  ] as const) {
    const sent: Buffer[] = [];
    let calls = 0;
    const target = streamTarget({
      // Each call takes one block at most.
      put: async ([first, ...rest]) => {
        if (calls++ % 2 === 0) return { refused: [first as Buffer, ...rest], reason: 'slow down' };
        sent.push(first as Buffer);
        return { refused: rest, reason: 'slow down' };
      },
      clock: { ...clock, sleep: async () => {} },
      signal: running,
      close: () => {},
    });
    await run({ archive, target, args: [...args] });
    const blocks = sent.map((bytes) => decodeBlock(bytes));
    const lines = blocks.flatMap((block) =>
      [...blockRecords(block)].map(({ start, end }) =>
        Buffer.from(block.payload).toString('utf8', start, end - 1),
      ),
    );
    assert.deepEqual(lines, expected);
    const whole = archive.objects.objects.get(key)?.bytes;
    assert.equal(
      sent.every((bytes) => whole?.includes(bytes)),
      args.length === 0,
    );
  }
});

test('a damaged block is told and counted, and does not keep the others out', async () => {
  const archive = smallArchive();
  const key = archive.add({ blocks: [['a'], ['b']] });
  const object = archive.objects.objects.get(key);
  assert.ok(object);
  object.bytes[200] = (object.bytes[200] ?? 0) ^ 1;
  const problems: string[] = [];
  const counts = await run({ archive, target: intoStore(wholeStore()), problems });
  assert.deepEqual([counts.events, counts.unreadable, problems.length], [1, 1, 1]);
});

test('of a block that is damaged in one object the good copy of another is replayed', async () => {
  const archive = smallArchive();
  const key = archive.add({ blocks: [['a'], ['b']] });
  const object = archive.objects.objects.get(key);
  assert.ok(object);
  archive.objects.objects.set(key.replace('/1-', '/9-'), { ...object, bytes: Buffer.from(object.bytes) });
  object.bytes[200] = (object.bytes[200] ?? 0) ^ 1;
  const counts = await run({ archive, target: intoStore(wholeStore()) });
  assert.deepEqual([counts.events, counts.written, counts.unreadable], [2, 2, 1]);
});

test('an object without a readable footer is told once, and counted', async () => {
  const archive = smallArchive();
  archive.add({ blocks: [['a']] });
  const object = archive.objects.objects.get(archive.add({ blocks: [['b']] }));
  object?.bytes.fill(0, object.bytes.length - 40);
  const problems: string[] = [];
  const counts = await run({ archive, target: intoStore(wholeStore()), problems });
  assert.deepEqual([counts.events, counts.unreadable, problems.length], [1, 1, 1]);
});

test('a read that S3 does not answer at once is asked again', async () => {
  const archive = smallArchive();
  archive.add({ blocks: [['a']] });
  const { read } = archive.objects;
  let reads = 0;
  archive.objects.read = (key, from, to) => {
    if (++reads === 2) throw new MillraceError('ARCHIVE_UNAVAILABLE', 'slow down');
    return read(key, from, to);
  };
  const counts = await run({ archive, target: intoStore(wholeStore()) });
  assert.equal(counts.written, 1);
});

test('a correction that is made while a replay writes is applied to what it has written', async () => {
  const archive = smallArchive();
  const keys = [archive.add({ blocks: [['a']] }), archive.add({ blocks: [['b']] })];
  const store = wholeStore();
  const inner = intoStore(store);
  let opened = 0;
  const target: ReplayTarget = {
    ...inner,
    open(stream) {
      const sink = inner.open(stream);
      return {
        ...sink,
        async end() {
          const result = await sink.end();
          // After the first object's events are in the store.
          if (opened++ === 0) {
            await new CorrectionShelf(archive.objects, '').add({
              stream: 'logs',
              madeMs: 1,
              reason: 'test',
              select: { tags: [], hosts: [], files: [] },
              action: { drop: true },
              objects: [keys[0] ?? ''],
              sources: [{ generation: generationText(Buffer.alloc(16, 0)), ranges: [[0, 2]] }],
            });
          }
          return result;
        },
      };
    },
  };
  const corrected: string[] = [];
  const correctLate: Run['correctLate'] = async ({ version }, key, bytes) => {
    corrected.push(key);
    assert.equal(version, '1');
    assert.equal(bytes, archive.objects.objects.get(key)?.bytes.length);
  };
  await run({ archive, target, correctLate });
  assert.ok(corrected.includes(keys[0] ?? ''));
});

test('a corrected event is looked at by itself, also in an object that the correction does not name', async () => {
  const archive = smallArchive();
  archive.add({ blocks: [['{"time":"2026-01-01T00:00:00Z","message":"a"}'], ['b']] });
  await new CorrectionShelf(archive.objects, '').add({
    stream: 'logs',
    madeMs: 1,
    reason: 'test',
    select: { tags: [], hosts: [], files: [] },
    action: { rule: '{"parse":{"type":"json"},"time":{"key":"time","type":"string"},"v":1}' },
    objects: [],
    sources: [{ generation: generationText(Buffer.alloc(16, 0)), ranges: [[0, 10]] }],
  });
  const store = wholeStore();
  const args = ['--from', '2026-02-03', '--to', '2026-02-03'];
  await run({ archive, target: intoStore(store), args });
  assert.deepEqual(
    [...store.held.values()].map(({ source }) => source.message),
    ['b'],
  );
});

test('a day that retention deletes during a replay is not made anew', async () => {
  const archive = smallArchive();
  archive.add({ blocks: [['a'], ['b']] });
  const store = wholeStore();
  let ms = 0;
  let reads = 0;
  const indices = () => {
    const day = 'millrace-logs-2026.02.03';
    if (reads++ === 0) return new ReplayIndices(new Map(), new Set([day]));
    if (reads === 2) throw new MillraceError('STORE_UNAVAILABLE', 'no answer');
    return new ReplayIndices(new Map([['logs', '2026.02.04']]), new Set());
  };
  const time = { ...clock, monotonic: () => clock.monotonic() + ms };
  const target = intoStore(store, indices, time);
  const later: ReplayTarget = {
    ...target,
    open(stream) {
      const sink = target.open(stream);
      return {
        ...sink,
        async take(selected, counts) {
          await sink.take(selected, counts);
          ms += 30_000;
        },
      };
    },
  };
  await run({ archive, target: later });
  assert.deepEqual(
    [...store.held.values()].map(({ index }) => index),
    ['millrace-logs-2026.02.03', 'millrace-logs-replayed-2026.02.03'],
  );
});

test('a block that lies in two objects is replayed once', async () => {
  const archive = smallArchive();
  const key = archive.add({ blocks: [['a', 'b']] });
  const object = archive.objects.objects.get(key);
  assert.ok(object);
  archive.objects.objects.set(key.replace('/1-', '/9-'), object);
  const counts = await run({ archive, target: intoStore(wholeStore()) });
  assert.deepEqual([counts.events, counts.objects], [2, 2]);
});

test('days before the hot horizon go to an index named for it, unless their own is still there', async () => {
  const archive = smallArchive();
  archive.add({ blocks: [['a']] });
  const horizon = new Map([['logs', '2026.02.04']]);
  for (const [present, expected] of [
    [[], 'millrace-logs-replayed-2026.02.03'],
    [['millrace-logs-2026.02.03'], 'millrace-logs-2026.02.03'],
  ] as const) {
    const store = wholeStore();
    await run({ archive, target: intoStore(store, new ReplayIndices(horizon, new Set(present))) });
    assert.deepEqual(
      [...store.held.values()].map(({ index }) => index),
      [expected],
    );
  }
  assert.equal(
    new ReplayIndices(horizon, new Set()).of('millrace-logs-2026.01'),
    'millrace-logs-replayed-2026.01',
  );
  assert.equal(new ReplayIndices(horizon, new Set()).of('millrace-logs-2026.02'), 'millrace-logs-2026.02');
  assert.equal(new ReplayIndices(horizon, new Set()).of('millrace-web-2026.01'), 'millrace-web-2026.01');
});
