import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Correction } from '@millrace/archive/corrections/correction.ts';
import { CorrectionShelf } from '@millrace/archive/corrections/shelf.ts';
import { readBlocks, readFooter } from '@millrace/archive/reader.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import { generationText } from '@millrace/core/ids/generation.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { StoreRejection } from '@millrace/core/store/failure.ts';
import type { BulkResult } from '@millrace/core/store/port.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { renderedBatches } from '../index/batches.ts';
import { type SmallArchive, smallArchive } from '../testing/small-archive.ts';
import { applyCorrections } from './apply-correction.ts';
import { bringInLine } from './bring-in-line.ts';
import type { CorrectionTools } from './make-correction.ts';
import { ReplayIndices } from './replay-indices.ts';

const running = new AbortController().signal;
const day = (date: string) => `millrace-logs-2026.02.${date}`;

/** A store that only knows `index` and `delete`; it can die after some calls. */
function smallStore() {
  const documents = new Map<string, Record<string, unknown>>();
  const store = {
    documents,
    callsLeft: Number.POSITIVE_INFINITY,
    /** Answers instead of the store, or throws. */
    before: (_body: string): BulkResult[] | undefined => undefined,
    async bulkApply(body: string): Promise<BulkResult[]> {
      if (store.callsLeft-- <= 0) throw new Error('killed');
      const instead = store.before(body);
      if (instead !== undefined) return instead;
      const lines = body.split('\n').slice(0, -1);
      const results: BulkResult[] = [];
      for (let i = 0; i < lines.length; i++) {
        const action = JSON.parse(lines[i] ?? '') as Record<string, { _index: string; _id: string }>;
        const { _index, _id } = action.index ?? action.delete ?? { _index: '', _id: '' };
        if (action.index !== undefined) documents.set(`${_index}/${_id}`, JSON.parse(lines[++i] ?? ''));
        else documents.delete(`${_index}/${_id}`);
        results.push({ kind: 'created' });
      }
      return results;
    },
    /** `day: message`, sorted. */
    held: () =>
      [...documents]
        .map(([key, { message, fields }]) => {
          const extra = fields === undefined ? '' : ` ${JSON.stringify(fields)}`;
          return `${key.split('/')[0]?.slice(-2)}: ${String(message)}${extra}`;
        })
        .sort(),
  };
  return store;
}

type Store = ReturnType<typeof smallStore>;

/** As live indexing left it. */
async function indexLive({ objects }: SmallArchive, key: string, store: Store): Promise<void> {
  const size = objects.objects.get(key)?.bytes.length ?? 0;
  const { blocks } = await readFooter(objects, key, size);
  for await (const { bytes } of readBlocks(objects, key, blocks, 1_048_576)) {
    for (const { documents } of renderedBatches(createRenderer(), decodeBlock(bytes))) {
      for (const { index, id, source } of documents)
        store.documents.set(`${index}/${id}`, JSON.parse(source));
    }
  }
}

async function setUp() {
  const archive = smallArchive();
  const key = archive.add({
    blocks: [
      ['{"time":"2026-02-01T00:00:00Z","message":"a"}', '{"time":"2026-02-02T00:00:00Z","message":"b"}'],
    ],
  });
  const store = smallStore();
  await indexLive(archive, key, store);
  const shelf = new CorrectionShelf(archive.objects, '');
  const problems: string[] = [];
  const apply = async (
    present = ['01', '02', '03'],
    horizon = new Map<string, string>(),
    renderer = createRenderer(),
  ) => {
    const options = {
      objects: archive.objects,
      store,
      indices: new ReplayIndices(horizon, new Set(present.map(day))),
      renderer,
      clock: { ...systemClock, sleep: async () => {} },
      readBytes: 1_048_576,
      onProblem: (_: string, error: string) => problems.push(error),
      signal: running,
    };
    const bytes = archive.objects.objects.get(key)?.bytes.length ?? 0;
    return applyCorrections(options, await shelf.load('logs'), key, bytes);
  };
  const correct = (action: Correction['action'], ranges: [number, number][] = [[0, 1000]]) =>
    shelf.add({
      stream: 'logs',
      madeMs: 1,
      reason: 'test',
      select: { tags: [], hosts: [], files: ['/var/log/*'] },
      action,
      objects: [key],
      sources: [{ generation: generationText(Buffer.alloc(16, 0)), ranges }],
    });
  return { store, shelf, apply, correct, problems, key, archive, original: store.held() };
}

const byTime = { rule: '{"parse":{"type":"json"},"time":{"key":"time","type":"string"},"v":1}' };

test('a fixed parser moves events to their days; withdrawn, they are as they were', async () => {
  const { store, shelf, apply, correct, original } = await setUp();
  assert.equal(original.filter((item) => item.startsWith('03: {"time"')).length, 2);
  const { number } = await correct(byTime);
  assert.deepEqual(await apply(), { changed: 2, deleted: 2, cold: 0 });
  assert.deepEqual(store.held(), ['01: a', '02: b']);
  await shelf.note('logs', number, 'withdrawn');
  await apply();
  assert.deepEqual(store.held(), original);
});

test('a crash between writing and deleting leaves nothing that applying again does not mend', async () => {
  const { store, apply, correct } = await setUp();
  await correct(byTime);
  store.callsLeft = 1;
  await assert.rejects(apply(), /killed/);
  assert.equal(store.held().length, 4, 'the new documents are there before the old ones are deleted');
  store.callsLeft = Number.POSITIVE_INFINITY;
  await apply();
  assert.deepEqual(store.held(), ['01: a', '02: b']);
});

test('a drop erases what it covers, whatever corrections came before, and can be withdrawn', async () => {
  const { store, shelf, apply, correct } = await setUp();
  await correct(byTime);
  await apply();
  const { number } = await correct({ drop: true }, [[0, 10]]);
  await apply();
  assert.deepEqual(store.held(), ['02: b']);
  await shelf.note('logs', number, 'withdrawn');
  await apply();
  assert.deepEqual(store.held(), ['01: a', '02: b']);
});

test('of two corrections the later one counts', async () => {
  const { store, apply, correct } = await setUp();
  await correct(byTime);
  await correct({ rule: '{"add":{"by":"second"},"parse":{"type":"none"},"v":1}' });
  await apply();
  const held = store.held();
  assert.equal(held.length, 2);
  for (const item of held) assert.match(item, /^03: \{"time".* \{"by":"second"\}$/);
});

test('a day before the hot horizon that is in no index stays out of the store', async () => {
  const { store, apply, correct } = await setUp();
  await correct(byTime);
  const applied = await apply(['02', '03'], new Map([['logs', '2026.02.02']]));
  assert.deepEqual(applied, { changed: 1, deleted: 2, cold: 1 });
  assert.deepEqual(store.held(), ['02: b']);
});

test('a store that takes no more than one document at a time gets them one by one', async () => {
  const { store, apply, correct } = await setUp();
  await correct(byTime);
  store.before = (body) => {
    if (body.split('\n').length > 3) throw new StoreRejection(413, 'too large');
    return undefined;
  };
  assert.deepEqual(await apply(), { changed: 2, deleted: 2, cold: 0 });
  assert.deepEqual(store.held(), ['01: a', '02: b']);
});

test('a document that is refused when it is sent again is written in the fallback shape', async () => {
  const { store, apply, correct } = await setUp();
  await correct(byTime);
  let calls = 0;
  store.before = (body) => {
    calls++;
    const count = body.split('"index":').length - 1;
    if (calls === 1)
      return Array.from({ length: count }, () => ({ kind: 'retry', status: 429, reason: 'busy' }));
    if (calls > 2) return undefined;
    return Array.from({ length: count }, () => ({
      kind: 'rejected',
      status: 400,
      type: 'mapper_parsing_exception',
      reason: 'no',
    }));
  };
  await apply();
  assert.deepEqual(store.held(), ['01: a', '02: b']);
  const [first] = store.documents.values();
  assert.match(JSON.stringify(first), /"error":{"type":"index","message":"no"}/);
});

test('what no document can be made of stays in the store, and is told', async () => {
  const { store, apply, correct, problems, original } = await setUp();
  await correct({ rule: '{"parse":{"type":"regexp","expression":"(?<a>.)"},"v":1}' });
  const broken = createRenderer();
  const { renderBlock } = broken;
  broken.renderBlock = (block, records, emit) => {
    const own = function* () {
      for (const record of records) if (record.source.rule === 0) yield record;
    };
    return renderBlock(block, own(), emit);
  };
  await apply(undefined, undefined, broken);
  assert.deepEqual(store.held(), original);
  assert.match(problems.join(), /no document can be made of 2 records/);
});

test('a correction that is made while another is applied is not passed over', async (t) => {
  const { store, shelf, correct, archive, problems } = await setUp();
  const stateDir = mkdtempSync(join(tmpdir(), 'millrace-correct-'));
  t.after(() => rmSync(stateDir, { recursive: true }));
  const correction = await correct(byTime);
  const load = shelf.load.bind(shelf);
  let loads = 0;
  shelf.load = async (stream, signal) => {
    const known = await load(stream, signal);
    // Another process has made and applied it by the time that this one writes.
    if (loads++ === 0) await correct({ drop: true }, [[0, 10]]);
    return known;
  };
  const context = {
    config: { state_dir: stateDir, filler: { read_bytes: 1_048_576 } },
    clock: systemClock,
    signal: running,
    tty: false,
    stderr: (text: string) => problems.push(text),
    stdout: async () => {},
  };
  const known = {
    ...store,
    refresh: async () => {},
    horizons: async () => new Map(),
    indices: async () => ['01', '02', '03'].map((date) => ({ index: day(date), documents: 1, bytes: 1 })),
  };
  const tools = { objects: archive.objects, store: known, context } as unknown as CorrectionTools;
  const flags = { progress: 'none', stateFile: undefined, json: true } as const;
  const code = await bringInLine({ correction, withdrawn: false, applied: false }, shelf, tools, flags);
  assert.equal(code, 0);
  assert.deepEqual(store.held(), ['02: b']);
  assert.deepEqual(
    (await shelf.list('logs')).map(({ applied }) => applied),
    [true, false],
  );
  assert.deepEqual(readdirSync(join(stateDir, 'replays')), []);
});
