import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hourMs } from '@millrace/core/archive/key.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { reads } from '../set-aside/mark.ts';
import { hold } from '../testing/fake-store.ts';
import { running, setUp } from '../testing/filler-bench.ts';

const newer = '{"parse":{"type":"later"},"v":9}';

test('events of a rule of a newer version are named in the mark, with host and rule, and the rest is indexed', async () => {
  const { store, pass, addObject } = setUp();
  addObject({ blocks: 3, rule: newer, ruleAt: 1 });
  assert.equal(await pass(), 1);
  assert.equal(store.held.size, 2);
  const [mark] = store.marksHeld;
  assert.deepEqual([mark?.events, mark?.indexed, mark?.setAside, mark?.reads], [3, 2, 1, reads]);
  const [exception] = mark?.exceptions ?? [];
  assert.equal(exception?.kind, 'rule');
  assert.equal(exception?.outcome, 'missing');
  assert.equal(exception?.host, 'h');
  assert.match(exception?.rule ?? '', /^later-[0-9a-f]{8}$/);
  assert.match(exception?.block ?? '', /^[0-9a-f]{32}$/);
});

test('what another version could not read is tried again once, and its mark replaced', async () => {
  const { store, clock, filler, addObject } = setUp();
  const key = addObject({ blocks: 2 });
  const exception = { id: 'x', reason: 'rule: v', outcome: 'missing', kind: 'rule' } as const;
  const old = { object: key, stream: 'logs', events: 2, indexed: 1, exceptions: [exception], setAside: 1 };
  store.marksHeld.push({ ...old, reads: 'an older one' });
  const stop = new AbortController();
  const run = filler.run(stop.signal);
  await clock.advance(61_000);
  assert.deepEqual(store.marksHeld, [{ object: key, stream: 'logs', events: 2, indexed: 2, exceptions: [] }]);
  const asked = store.calls.filter((call) => call === 'marksSetAside').length;
  await clock.advance(120_000);
  assert.equal(store.calls.filter((call) => call === 'marksSetAside').length, asked);
  stop.abort();
  await clock.advance(1);
  await run;
});

test('filling goes on when it cannot be asked what to try again', async () => {
  const { store, clock, filler, addObject } = setUp();
  addObject();
  const asked = store.marksSetAside;
  store.marksSetAside = () => Promise.reject(new MillraceError('STORE_UNAVAILABLE', 'too much'));
  const stop = new AbortController();
  const run = filler.run(stop.signal);
  await clock.advance(2_000);
  assert.equal(store.marksHeld.length, 1);
  store.marksSetAside = asked;
  await clock.advance(61_000);
  assert.ok(store.calls.includes('marksSetAside'), 'it is asked again later');
  stop.abort();
  await clock.advance(1);
  await run;
});

test('what this version could not read is not tried again by it', async () => {
  const { store, objects, filler, pass, addObject } = setUp();
  addObject({ rule: newer });
  await pass();
  const reads = objects.calls.filter((call) => call === 'read').length;
  await filler.retry(running);
  assert.equal(objects.calls.filter((call) => call === 'read').length, reads);
  assert.equal(store.marksHeld.length, 1);
});

test('a document in the fallback shape is replaced when its object is handled again', async () => {
  const { store, clock, filler, addObject } = setUp();
  addObject({ blocks: 1 });
  store.answer = async (documents) =>
    documents.map((sent) => {
      const whole = (sent.source.error as { type?: string } | undefined)?.type !== 'index';
      if (whole) return { kind: 'rejected', status: 400, type: 'mapping', reason: 'bad' };
      return hold(store, [sent])[0] ?? { kind: 'exists' };
    });
  const work = filler.pass(running, true);
  await clock.advance(1_000);
  await work;
  assert.equal(store.marksHeld[0]?.setAside, 1);
  store.answer = async (documents) => hold(store, documents);
  const [mark] = store.marksHeld;
  store.marksHeld = mark
    ? [{ ...mark, reads: 'older', exceptions: [{ ...mark.exceptions[0], kind: 'rule' } as never] }]
    : [];
  const again = filler.retry(running);
  await clock.advance(1_000);
  await again;
  assert.deepEqual(store.marksHeld[0]?.exceptions, []);
  assert.deepEqual(
    [...store.held.values()].map(({ source }) => source.error),
    [undefined],
  );
});

test('events older than the hot horizon are not indexed, and their object has its mark', async () => {
  const { store, pass, addObject } = setUp();
  store.horizonDates.set('logs', '2026.02.02');
  addObject({ blocks: 2, agoMs: hourMs, capturedMs: Date.UTC(2026, 1, 1) });
  addObject({ blocks: 1, agoMs: hourMs, capturedMs: Date.UTC(2026, 1, 2) });
  assert.equal(await pass(), 2);
  assert.deepEqual(
    [...store.held.values()].map(({ index }) => index),
    ['millrace-logs-2026.02.02'],
  );
  assert.deepEqual(
    store.marksHeld.map(({ events, indexed, cold }) => [events, indexed, cold]),
    [
      [2, 0, 2],
      [1, 1, undefined],
    ],
  );
});

test('objects that can hold nothing as new as the hot horizon are not looked at', async () => {
  const { store, pass, addObject } = setUp();
  store.horizonDates.set('logs', '2026.02.02');
  addObject({ agoMs: 5 * 86_400_000 });
  addObject({ stream: 'web', agoMs: 5 * 86_400_000 });
  assert.equal(await pass(), 1);
  assert.deepEqual(
    store.marksHeld.map(({ stream }) => stream),
    ['web'],
  );
});

test('who may write the objects of one stream does not reach the index of another', async () => {
  const { objects, store, pass, addObject } = setUp();
  const key = addObject({ blocks: 2 });
  const object = objects.objects.get(key);
  assert.ok(object);
  objects.objects.delete(key);
  objects.objects.set(key.replace('archive/logs/', 'archive/other/'), object);
  await pass();
  assert.deepEqual([store.held.size, store.marksHeld], [0, []]);
});
