import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Corrections } from '@millrace/archive/corrections/corrections.ts';
import { fakeObjectStore } from '@millrace/archive/testing/fake-object-store.ts';
import { encodeFooter } from '@millrace/core/archive/encode-footer.ts';
import { FooterBuilder } from '@millrace/core/archive/footer-builder.ts';
import { archiveKey } from '@millrace/core/archive/key.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import { blockOf } from '@millrace/core/testing/blocks.ts';
import { virtualClock } from '@millrace/core/testing/virtual-clock.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { renderedBatches } from '../index/batches.ts';
import { wholeStore } from '../testing/whole-store.ts';
import { retain } from './retention.ts';

const dayMs = 86_400_000;
// The virtual clock begins on 2026-02-03.
const oldMs = Date.UTC(2026, 0, 20, 10);
const old = 'millrace-logs-2026.01.20';

function setUp() {
  const clock = virtualClock();
  const objects = fakeObjectStore();
  const store = wholeStore();
  const renderer = createRenderer();
  let next = 0;
  const block = (lines: number, capturedMs = oldMs, from = 1_000 * next++) => {
    const run = { bytes: Buffer.from('x\n'.repeat(lines)), from, capturedMs, multiline: false };
    const { header, payload } = blockOf([run]);
    return encodeBlock(header, payload);
  };
  /** An object of these blocks, indexed and marked as a consumer leaves it. */
  const archive = (
    blocks: Buffer[],
    options: { marked?: boolean; indexed?: boolean; days?: boolean } = {},
  ) => {
    const { marked = true, indexed = true, days = true } = options;
    const builder = new FooterBuilder('logs');
    const held = blocks.map((bytes) => ({ bytes, decoded: decodeBlock(bytes) }));
    let events = 0;
    for (const { bytes, decoded } of held) {
      builder.add({ length: bytes.length, id: blockId(bytes), arrivalMs: 1, sequence: '1' }, decoded.header);
      for (const { documents } of renderedBatches(renderer, decoded)) {
        events += documents.length;
        for (const { index, id } of documents) {
          builder.addDay(index.slice('millrace-logs-'.length), 1);
          if (indexed) store.held.set(`${index}/${id}`, { index, id, source: {}, replaces: false });
        }
      }
    }
    if (!days) builder.daysUnknown();
    const hourMs = held[0]?.decoded.header.runs[0]?.capturedMs ?? oldMs;
    const suffix = String(next++).padStart(8, '0');
    const key = archiveKey({ prefix: '', stream: 'logs', hourMs, shard: 's', firstSequence: '1', suffix });
    const bytes = Buffer.concat([...blocks, encodeFooter(builder.build())]);
    objects.objects.set(key, { bytes, modifiedMs: hourMs });
    if (marked)
      store.marksHeld.push({ object: key, stream: 'logs', events, indexed: events, exceptions: [] });
    return key;
  };
  const run = async (
    request: { dryRun?: boolean; replayed?: boolean; days?: number } = {},
    signal = new AbortController().signal,
  ) => {
    const options = {
      store,
      objects,
      prefix: '',
      renderer,
      corrections: async () => new Corrections([]),
      readBytes: 1_048_576,
      clock,
      signal,
    };
    let over = false;
    const report = retain(options, { days: 7, dryRun: false, replayed: false, ...request }).finally(() => {
      over = true;
    });
    // Whether it rejects is the caller's to see, when time has gone on.
    report.catch(() => {});
    for (let i = 0; i < 200 && !over; i++) await clock.advance(1_000);
    return report;
  };
  const indices = async () => (await store.indices()).map(({ index }) => index);
  return { clock, objects, store, block, archive, run, indices };
}

test('a day that is over goes when its objects have marks and the counts agree, and the horizon moves first', async () => {
  const { store, block, archive, run, indices } = setUp();
  archive([block(3), block(2)]);
  archive([block(4, Date.UTC(2026, 1, 2))]);
  const { deleted, refused, horizons, cutoff } = await run();
  assert.deepEqual(refused, []);
  assert.deepEqual(
    deleted.map(({ index, documents }) => [index, documents]),
    [[old, 5]],
  );
  assert.equal(cutoff, '2026.01.27');
  assert.deepEqual([...horizons], [['logs', '2026.01.27']]);
  assert.equal(store.horizonDates.get('logs'), '2026.01.27');
  assert.deepEqual(await indices(), ['millrace-logs-2026.02.02']);
  assert.ok(store.calls.indexOf('moveHorizon') < store.calls.indexOf('deleteIndex'));
});

test('a dry run says what would go, and moves and deletes nothing', async () => {
  const { store, block, archive, run, indices } = setUp();
  archive([block(3)]);
  const { deleted } = await run({ dryRun: true });
  assert.equal(deleted.length, 1);
  assert.deepEqual(await indices(), [old]);
  assert.equal(store.horizonDates.size, 0);
});

test('an object without a mark keeps its day, later ones of the stream too, and is named', async () => {
  const { store, block, archive, run, indices } = setUp();
  archive([block(1, oldMs - dayMs)]);
  const key = archive([block(3)], { marked: false });
  archive([block(2, oldMs + dayMs)]);
  const { refused, deleted } = await run();
  assert.deepEqual(
    refused.map(({ index }) => index),
    [old],
  );
  assert.match(refused[0]?.problems[0] ?? '', /^1 archive objects .* not indexed yet, the first /);
  assert.ok(refused[0]?.problems[0]?.includes(key));
  assert.deepEqual(
    deleted.map(({ index }) => index),
    ['millrace-logs-2026.01.19'],
  );
  assert.equal(store.horizonDates.get('logs'), '2026.01.20');
  assert.deepEqual(await indices(), [old, 'millrace-logs-2026.01.21']);
});

test('a document that the archive has not keeps its day', async () => {
  const { store, block, archive, run } = setUp();
  archive([block(3)]);
  store.held.set(`${old}/stranger`, { index: old, id: 'stranger', source: {}, replaces: false });
  const { refused } = await run();
  assert.deepEqual(refused[0]?.problems, ['it holds 1 documents more than the archive has events for it']);
});

test('an event that is not in the index keeps its day, unless its mark says that it was set aside', async () => {
  const { store, block, archive, run } = setUp();
  archive([block(3)]);
  const [first = ''] = [...store.held.keys()];
  store.held.delete(first);
  const { refused } = await run();
  assert.match(refused[0]?.problems[0] ?? '', /^1 events of the archive are not in it and not set aside/);
  const [mark] = store.marksHeld;
  const id = first.slice(first.indexOf('/') + 1);
  const exception = { id, reason: 'bad', outcome: 'missing', index: old } as const;
  store.marksHeld = mark ? [{ ...mark, indexed: 2, exceptions: [exception], setAside: 1 }] : [];
  assert.deepEqual((await run({ dryRun: true })).refused, [], 'counted');
  const { index: _, ...unplaced } = exception;
  store.marksHeld = mark ? [{ ...mark, indexed: 2, exceptions: [unplaced], setAside: 1 }] : [];
  assert.deepEqual((await run({ dryRun: true })).refused, [], 'named by its id alone');
  store.marksHeld = mark ? [{ ...mark, indexed: 2, exceptions: [], setAside: 1 }] : [];
  assert.deepEqual((await run()).refused, [], 'one that the mark does not name');
});

test('a block in two objects is counted once', async () => {
  const { block, archive, run } = setUp();
  const twice = block(3);
  archive([twice, block(1)]);
  archive([block(2), twice]);
  const { refused, deleted } = await run();
  assert.deepEqual(refused, []);
  assert.equal(deleted[0]?.documents, 6);
});

test('a block in two objects does not hide a document that the archive has not', async () => {
  const { store, block, archive, run } = setUp();
  const twice = block(3);
  archive([twice]);
  archive([twice]);
  store.held.set(`${old}/stranger`, { index: old, id: 'stranger', source: {}, replaces: false });
  assert.equal((await run()).refused.length, 1);
});

test('the same records in two blocks are one document each, and agree', async () => {
  const { block, archive, run } = setUp();
  archive([block(3, oldMs, 500)]);
  archive([block(5, oldMs, 500)]);
  const { refused, deleted } = await run();
  assert.deepEqual(refused, []);
  assert.equal(deleted[0]?.documents, 5);
});

test('the same records in two blocks do not hide a document that the archive has not', async () => {
  const { store, block, archive, run } = setUp();
  archive([block(3, oldMs, 500)]);
  archive([block(5, oldMs, 500)]);
  for (const id of ['a', 'b'])
    store.held.set(`${old}/${id}`, { index: old, id, source: {}, replaces: false });
  const { refused, deleted } = await run();
  assert.deepEqual(deleted, []);
  assert.deepEqual(refused[0]?.problems, ['it holds 2 documents more than the archive has events for it']);
});

test('the horizon passes no index that does not answer for now', async () => {
  const { store, block, archive, run } = setUp();
  archive([block(3)]);
  const { search } = store;
  store.search = ({ indices }) => {
    assert.deepEqual(indices, ['millrace-*-*.*']);
    return Promise.reject(new MillraceError('STORE_UNAVAILABLE', 'missing shards'));
  };
  await assert.rejects(run(), { code: 'STORE_UNAVAILABLE' });
  assert.equal(store.horizonDates.size, 0);
  store.search = search;
  assert.equal((await run()).deleted.length, 1);
});

test('a run that is stopped, or loses its lock, is not taken for one that is done', async () => {
  const { clock, store, block, archive, run, indices } = setUp();
  archive([block(3)]);
  const stop = new AbortController();
  const { sleep } = clock;
  clock.sleep = (ms, signal) => {
    stop.abort();
    return sleep(ms, signal);
  };
  await assert.rejects(run({}, stop.signal), { code: 'DEADLINE', message: /0 of 1 indices/ });
  assert.deepEqual(await indices(), [old]);
  clock.sleep = sleep;
  assert.equal((await run()).deleted.length, 1, 'the next one goes on');
  assert.equal(store.horizonDates.get('logs'), '2026.01.27');
});

test('an object whose footer does not say its days is read', async () => {
  const { block, archive, run } = setUp();
  archive([block(3)], { days: false });
  const { refused, deleted } = await run();
  assert.deepEqual([refused.length, deleted[0]?.documents], [0, 3]);
});

test('an index before the horizon is of events that came late, and goes; replayed days go when asked for', async () => {
  const { store, run, indices } = setUp();
  store.horizonDates.set('logs', '2026.01.25');
  const replayed = 'millrace-logs-replayed-2026.01.19';
  for (const index of [old, replayed])
    store.held.set(`${index}/a`, { index, id: 'a', source: {}, replaces: false });
  assert.deepEqual((await run()).refused, []);
  assert.deepEqual(await indices(), [replayed]);
  await run({ replayed: true });
  assert.deepEqual(await indices(), []);
});
