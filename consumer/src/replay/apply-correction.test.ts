import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Correction } from '@millrace/archive/corrections/correction.ts';
import { CorrectionShelf } from '@millrace/archive/corrections/shelf.ts';
import { readBlocks, readFooter } from '@millrace/archive/reader.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import { generationText } from '@millrace/core/ids/generation.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import type { BulkResult } from '@millrace/core/store/port.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { renderedBatches } from '../index/batches.ts';
import { type SmallArchive, smallArchive } from '../testing/small-archive.ts';
import { applyCorrections } from './apply-correction.ts';
import { ReplayIndices } from './replay-indices.ts';

const running = new AbortController().signal;
const day = (date: string) => `millrace-logs-2026.02.${date}`;

/** A store that only knows `index` and `delete`; it can die after some calls. */
function smallStore() {
  const documents = new Map<string, Record<string, unknown>>();
  const store = {
    documents,
    callsLeft: Number.POSITIVE_INFINITY,
    async bulkApply(body: string): Promise<BulkResult[]> {
      if (store.callsLeft-- <= 0) throw new Error('killed');
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
  const apply = async (present = ['01', '02', '03'], horizon = new Map<string, string>()) => {
    const options = {
      objects: archive.objects,
      store,
      indices: new ReplayIndices(horizon, new Set(present.map(day))),
      renderer: createRenderer(),
      clock: systemClock,
      readBytes: 1_048_576,
      onProblem: assert.fail,
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
  return { store, shelf, apply, correct, original: store.held() };
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
