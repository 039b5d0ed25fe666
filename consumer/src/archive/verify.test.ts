import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeObjectStore } from '@millrace/archive/testing/fake-object-store.ts';
import { putObject, testBlock } from '@millrace/archive/testing/objects.ts';
import { decodeFooter, footerFrameLength } from '@millrace/core/archive/decode-footer.ts';
import { encodeFooter } from '@millrace/core/archive/encode-footer.ts';
import type { Footer } from '@millrace/core/archive/footer.ts';
import { type VerifyDepth, verifyObject } from './verify.ts';

const day = '2026.02.02';

function setUp(events: [string, number][] = [[day, 3]]) {
  const store = fakeObjectStore();
  const blocks = [
    testBlock([{ from: 0, text: 'one\ntwo\n' }]),
    testBlock([{ from: 0, text: 'other\n', life: 2, path: '/var/log/b.log' }]),
  ];
  const key = putObject(store, blocks, { events });
  const object = store.objects.get(key);
  assert.ok(object);
  const verify = async (depth: VerifyDepth = 'blocks') =>
    (
      await verifyObject(
        store,
        { key, bytes: object.bytes.length },
        { prefix: '', depth, readBytes: 1_048_576 },
      )
    ).faults;
  const withFooter = (change: (footer: Footer) => void) => {
    const length = footerFrameLength(object.bytes.subarray(-64));
    const footer = decodeFooter(object.bytes.subarray(-length), object.bytes.length - length);
    const body = object.bytes.subarray(0, -length);
    change(footer);
    object.bytes = Buffer.concat([body, encodeFooter(footer)]);
  };
  return { object, blocks, verify, withFooter };
}

test('a good object has no faults at any depth', async () => {
  const { verify } = setUp();
  for (const depth of ['footer', 'blocks', 'events'] as const) assert.deepEqual(await verify(depth), []);
});

test('one changed bit anywhere in an object is found', async () => {
  const { object, verify } = setUp();
  for (let at = 0; at < object.bytes.length; at += 3) {
    object.bytes[at] = (object.bytes[at] ?? 0) ^ 0x10;
    assert.notDeepEqual(await verify(), [], `byte ${at}`);
    object.bytes[at] = (object.bytes[at] ?? 0) ^ 0x10;
  }
  assert.deepEqual(await verify(), []);
});

test('an object that was cut short, or has no footer, is bad', async () => {
  const { object, verify } = setUp();
  object.bytes = object.bytes.subarray(0, -1);
  assert.equal((await verify('footer')).length, 1);
});

test('a footer that says other than the blocks is bad: coverage, sources, times, events', async () => {
  const changes: [string, (footer: Footer) => void, VerifyDepth][] = [
    ['sources', ({ sources: [source] }) => source?.covered.splice(0, 1, { from: 0, to: 9 }), 'blocks'],
    ['sources', ({ sources }) => sources.pop(), 'blocks'],
    ['captured', (footer) => footer.capturedLastMs++, 'blocks'],
    ['payloadBytes', (footer) => footer.payloadBytes++, 'blocks'],
    [`counts 4 events of ${day}`, ({ days: [first] = [] }) => first && first.events++, 'events'],
    ['is of stream other', (footer) => Object.assign(footer, { stream: 'other' }), 'footer'],
  ];
  for (const [what, change, depth] of changes) {
    const { verify, withFooter } = setUp();
    withFooter(change);
    const faults = await verify(depth);
    assert.ok(
      faults.some((fault) => fault.includes(what)),
      `${what}: ${faults.join()}`,
    );
  }
});

test('events are counted only when the footer counts them and every rule is known', async () => {
  assert.deepEqual(await setUp([]).verify('events'), []);
});

test('a block that is not the one of its id is bad, however well it decodes', async () => {
  const { object, blocks, verify } = setUp();
  const [right] = blocks;
  const other = testBlock([{ from: 0, text: 'eno\ntwo\n' }]);
  assert.ok(right && right.length === other.length);
  other.copy(object.bytes, object.bytes.indexOf(right));
  assert.match((await verify())[0] ?? '', /^block at byte 0: its id is /);
});
