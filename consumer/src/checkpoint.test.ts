import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Checkpoint } from './checkpoint.ts';

test('nothing is due before something is durable', () => {
  const checkpoint = new Checkpoint();
  checkpoint.delivered('1', {}, 0);
  assert.equal(checkpoint.due(), undefined);
  assert.equal(checkpoint.complete, false);
});

test('a record of an open object holds back what comes after it', () => {
  const checkpoint = new Checkpoint();
  const [slow, fast] = [{}, {}];
  checkpoint.delivered('1', fast, 0);
  checkpoint.delivered('2', slow, 0);
  checkpoint.delivered('3', fast, 0);
  checkpoint.durable(fast);
  assert.equal(checkpoint.due(), '1');
  checkpoint.durable(slow);
  assert.equal(checkpoint.due(), '3');
  assert.ok(checkpoint.complete);
});

test('a checkpoint is due once', () => {
  const checkpoint = new Checkpoint();
  const object = {};
  checkpoint.delivered('1', object, 0);
  checkpoint.durable(object);
  assert.equal(checkpoint.due(), '1');
  checkpoint.sent('1');
  assert.equal(checkpoint.due(), undefined);
});

test('a refused checkpoint stays due', () => {
  const checkpoint = new Checkpoint();
  const object = {};
  checkpoint.delivered('1', object, 0);
  checkpoint.durable(object);
  checkpoint.due();
  assert.equal(checkpoint.due(), '1');
});

test('what is uncovered begins at the first record that no sent checkpoint covers', () => {
  const checkpoint = new Checkpoint();
  const [first, second] = [{}, {}];
  assert.equal(checkpoint.uncoveredSinceMs, undefined);
  checkpoint.delivered('1', first, 100);
  checkpoint.delivered('2', first, 200);
  checkpoint.delivered('3', second, 300);
  assert.equal(checkpoint.uncoveredSinceMs, 100);
  checkpoint.durable(first);
  assert.equal(checkpoint.uncoveredSinceMs, 100, 'durable, but a crash would read it again');
  checkpoint.sent(checkpoint.due() ?? '');
  assert.equal(checkpoint.uncoveredSinceMs, 300);
  checkpoint.durable(second);
  checkpoint.sent('3');
  assert.equal(checkpoint.uncoveredSinceMs, undefined);
});

/** Objects by number; an object that was closed is not given records again, a new one takes its place. */
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('record' as const), stream: fc.nat(3) }),
    fc.record({ kind: fc.constant('complete' as const), stream: fc.nat(3) }),
    fc.record({ kind: fc.constant('send' as const), stream: fc.nat(3) }),
  ),
  { maxLength: 300 },
);

test('whatever the interleaving, a checkpoint never covers a record outside a completed object', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const checkpoint = new Checkpoint();
      const records: object[] = [];
      const open = new Map<number, object>();
      const completed = new Set<object>();
      let sent = -1;
      for (const step of list) {
        if (step.kind === 'record') {
          const holder = open.get(step.stream) ?? {};
          open.set(step.stream, holder);
          records.push(holder);
          checkpoint.delivered(String(records.length - 1), holder, 0);
        } else if (step.kind === 'complete') {
          const holder = open.get(step.stream);
          open.delete(step.stream);
          if (holder === undefined) continue;
          completed.add(holder);
          checkpoint.durable(holder);
        }
        let want = -1;
        while (want + 1 < records.length && completed.has(records[want + 1] ?? {})) want++;
        const due = checkpoint.due();
        assert.equal(due, want === sent ? undefined : String(want));
        assert.equal(checkpoint.complete, want === records.length - 1);
        if (step.kind === 'send' && due !== undefined) {
          checkpoint.sent(due);
          sent = want;
        }
      }
    }),
    { numRuns: 500 },
  );
});
