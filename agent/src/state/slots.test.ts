import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { SlotFile } from './slots.ts';

const kibibyte = 1024;

function path(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-slots-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'slots');
}

test('whatever is written, freed and promised in whatever order, each block reads as it was written', (t) => {
  const file = path(t);
  const step = fc.oneof(
    fc.record({ kind: fc.constant('write' as const), size: fc.integer({ min: 1, max: 40 * kibibyte }) }),
    fc.record({ kind: fc.constant('free' as const), which: fc.nat() }),
    fc.record({ kind: fc.constant('promise' as const) }),
    fc.record({ kind: fc.constant('reopen' as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      rmSync(file, { force: true });
      const capacity = 256 * kibibyte;
      let slots = new SlotFile(file, capacity);
      const blocks = new Map<number, Buffer>();
      let fill = 0;
      for (const each of steps) {
        if (each.kind === 'write') {
          const bytes = Buffer.alloc(each.size, ++fill);
          const region =
            fill % 2 === 0 ? { from: 0, to: capacity / 2 } : { from: capacity / 2, to: capacity };
          const at = slots.write(bytes, region);
          if (at === undefined) continue;
          assert.ok(at >= region.from && at + bytes.length <= region.to, 'in its region');
          blocks.set(at, bytes);
        } else if (each.kind === 'free') {
          const at = [...blocks.keys()][each.which % Math.max(1, blocks.size)];
          if (at === undefined) continue;
          slots.free(at);
          blocks.delete(at);
        } else if (each.kind === 'promise') slots.promise();
        else {
          slots.close();
          slots = new SlotFile(file, capacity);
          for (const [at, bytes] of blocks) slots.occupy(at, bytes.length);
        }
        for (const [at, bytes] of blocks)
          assert.ok(slots.read(at, bytes.length).equals(bytes), `block at ${at}`);
      }
      for (const at of blocks.keys()) slots.free(at);
      assert.equal(slots.usedBytes, 0);
      assert.notEqual(slots.write(Buffer.alloc(capacity)), undefined, 'all holes have become one');
      slots.close();
    }),
    { numRuns: 100 },
  );
});

test('of ten thousand slots the one that is free is found', (t) => {
  const count = 10_000;
  const slots = new SlotFile(path(t), count * 4096);
  t.after(() => slots.close());
  // Found at a start in any order.
  for (let i = 0; i < count; i++) slots.occupy(((i * 7919) % count) * 4096, 100);
  assert.equal(slots.write(Buffer.from('x')), undefined, 'full');
  for (let i = 0; i < count; i++) {
    const at = ((i * 104_729) % count) * 4096;
    slots.free(at);
    assert.equal(slots.write(Buffer.from('x')), at, 'the one hole');
  }
});

test('the space of gigabytes is promised in steps, which a restart goes on with', (t) => {
  const file = path(t);
  const slots = new SlotFile(file, 64 * 1024 ** 3);
  assert.ok(statSync(file).size < 1024 ** 2, 'opening writes nothing');
  for (let i = 0; i < 5; i++) slots.promise();
  // A block far behind does not count as a promise of all before it.
  slots.write(Buffer.from('far'), { from: 32 * 1024 ** 3, to: 64 * 1024 ** 3 });
  slots.close();
  const again = new SlotFile(file, 64 * 1024 ** 3);
  t.after(() => again.close());
  assert.equal(again.promisedBytes, 5 * 1024 ** 2);
  truncateSync(file, 0);
});
