import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeObjectStore } from '@millrace/archive/testing/fake-object-store.ts';
import { settle, virtualClock } from '@millrace/core/testing/virtual-clock.ts';
import { Upload } from './upload.ts';

test('an upload that is closed at the moment when its last part was acknowledged is completed', async () => {
  const store = fakeObjectStore();
  const upload = new Upload('key', {
    store,
    clock: virtualClock(),
    retry: { baseMs: 100, maxMs: 1_000 },
    partBytes: 10,
    emit: () => {},
    onBuffered(change) {
      if (change > 0 || closed) return;
      closed = true;
      // As the writer does when room came, but not enough.
      queueMicrotask(() => {
        upload.push(Buffer.from('footer'));
        upload.seal();
      });
    },
  });
  let closed = false;
  let outcome: string | undefined;
  upload.finished.then(
    (how) => {
      outcome = how;
    },
    () => {},
  );
  upload.push(Buffer.from('0123456789'));
  await settle();
  await settle();
  assert.equal(outcome, 'done');
  assert.equal(store.objects.get('key')?.bytes.toString(), '0123456789footer');
});
