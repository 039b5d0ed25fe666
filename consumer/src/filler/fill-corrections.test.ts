import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CorrectionShelf } from '@millrace/archive/corrections/shelf.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import { generationText } from '@millrace/core/ids/generation.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import type { BulkResult } from '@millrace/core/store/port.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { consumerEvents } from '../events.ts';
import { createIndexer } from '../index/indexer.ts';
import { SetAsideStorm } from '../set-aside/storm.ts';
import { smallArchive } from '../testing/small-archive.ts';
import { wholeStore } from '../testing/whole-store.ts';
import { fillObject } from './fill-object.ts';

const running = new AbortController().signal;

function setUp() {
  const archive = smallArchive();
  const key = archive.add({ blocks: [['keep', 'secret']] });
  const shelf = new CorrectionShelf(archive.objects, '');
  const telemetry = createTelemetry('consumer', consumerEvents, createLogger('test', 'silent'));
  const store = wholeStore();
  const deleted: string[] = [];
  const indexed = new Set(['millrace-logs-2026.02.03']);
  Object.assign(store, {
    indices: async () => [...indexed].map((index) => ({ index, documents: 0, bytes: 0 })),
    async bulkApply(body: string): Promise<BulkResult[]> {
      const actions = body.split('\n').slice(0, -1);
      return actions.map((line) => {
        const { delete: target } = JSON.parse(line) as { delete: { _index: string; _id: string } };
        store.held.delete(`${target._index}/${target._id}`);
        deleted.push(target._id);
        return { kind: 'created' };
      });
    },
  });
  const work = {
    objects: archive.objects,
    prefix: '',
    store,
    indexer: createIndexer({ store, clock: systemClock, telemetry }),
    renderer: createRenderer(),
    emit: telemetry.emit,
    readBytes: 1_048_576,
    clock: systemClock,
    storm: new SetAsideStorm(systemClock, telemetry),
    giveUpMs: 60_000,
    corrections: (stream: string) => shelf.load(stream),
  };
  const drop = () =>
    shelf.add({
      stream: 'logs',
      madeMs: 1,
      reason: 'secret',
      select: { tags: [], hosts: [], files: [] },
      action: { drop: true },
      objects: [key],
      sources: [{ generation: generationText(Buffer.alloc(16, 0)), ranges: [[5, 6]] }],
    });
  const fill = () => fillObject(work, key, archive.objects.objects.get(key)?.bytes.length ?? 0, running);
  const messages = () => [...store.held.values()].map(({ source }) => source.message);
  return { archive, store, work, drop, fill, messages, deleted };
}

test('the filler indexes an object as the corrections have it', async () => {
  const { store, drop, fill, messages } = setUp();
  await drop();
  await fill();
  assert.deepEqual(messages(), ['keep']);
  assert.deepEqual(
    store.marksHeld.map(({ events, indexed }) => [events, indexed]),
    [[1, 1]],
  );
});

test('a correction that is made while the filler indexes the object holds for it too', async () => {
  const { store, work, drop, fill, messages, deleted } = setUp();
  let asked = 0;
  const { corrections } = work;
  work.corrections = async (stream) => {
    if (asked++ === 1) await drop();
    return corrections(stream);
  };
  await fill();
  assert.deepEqual([messages(), deleted.length, store.marksHeld.length], [['keep'], 1, 1]);
});

test('a correction that cannot be read is not the fault of the object: it has to be tried again', async () => {
  const { archive, store, fill } = setUp();
  const bytes = Buffer.from('of a newer version');
  archive.objects.objects.set('rules/logs/0000000001.json.zst', { bytes, modifiedMs: 0 });
  await assert.rejects(fill(), { code: 'RULE_INVALID', message: /^a correction of logs: rules\/logs\// });
  assert.equal(store.marksHeld.length, 0);
});
