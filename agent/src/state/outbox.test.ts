import assert from 'node:assert/strict';
import { mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { agentEvents } from '../events.ts';
import { type GenerationRow, type OutboxRow, StateDatabase } from './database.ts';
import { Outbox, type OutboxBlock } from './outbox.ts';
import { type Region, SlotFile } from './slots.ts';

const mebibyte = 1024 * 1024;

function open(
  dir: string,
  options: { machineId?: string; slots?: (path: string, size: number) => SlotFile } = {},
): Outbox {
  const telemetry = createTelemetry('agent', agentEvents, createLogger('agent', 'silent'));
  const { slots, machineId = 'machine' } = options;
  return new Outbox({
    dir,
    outputs: [{ id: 'o', outboxBytes: 4 * mebibyte }],
    memoryBytesMax: 2 * mebibyte,
    machineId,
    clock: systemClock,
    telemetry,
    ...(slots ? { openSlots: slots } : {}),
  });
}

/** The block of the one output. */
function put(
  outbox: Outbox,
  bytes: Buffer,
  runs: OutboxRow['runs'],
  positions: GenerationRow[],
): OutboxBlock | undefined {
  return outbox.put(['o'], { bytes, runs, positions })?.[0];
}

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-outbox-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const row = (position: number): GenerationRow => ({
  id: Buffer.alloc(16, 1),
  path: '/a',
  device: '1',
  inode: '2',
  birthMs: 0,
  position,
  headSize: 0,
  headHash: Buffer.alloc(16),
  tailSize: 0,
  tailHash: Buffer.alloc(16),
  oldUntil: 0,
  oldMs: 0,
  continues: false,
  dropping: false,
  reader: '',
});

test('a block and its positions are there after a crash, and gone after their acknowledgement', (t) => {
  const dir = folder(t);
  const first = open(dir);
  const block = put(first, Buffer.from('block'), [], [row(5)]);
  assert.ok(block);
  first.close(); // what a crash leaves is the same: nothing is written at closing
  const second = open(dir);
  assert.deepEqual(
    second.recover().blocks.map((item) => second.read(item.seq).toString()),
    ['block'],
  );
  assert.equal(second.generations()[0]?.position, 5);
  second.acknowledge([block.seq]);
  second.close();
  const third = open(dir);
  t.after(() => third.close());
  assert.equal(third.pendingBlocks, 0);
  assert.equal(third.pendingBytes, 0);
});

test('a full outbox refuses blocks and changes nothing, and freed slots are used again', (t) => {
  const outbox = open(folder(t));
  t.after(() => outbox.close());
  const blocks = [1, 2, 3, 4].map((n) => put(outbox, Buffer.alloc(mebibyte, n), [], [row(n)]));
  assert.ok(blocks.every((block) => block !== undefined));
  assert.equal(put(outbox, Buffer.from('x'), [], [row(5)]), undefined);
  assert.equal(outbox.generations()[0]?.position, 4);
  outbox.acknowledge([blocks[1]?.seq ?? 0]);
  const again = put(outbox, Buffer.alloc(mebibyte, 9), [], []);
  assert.ok(again);
  for (const [i, fill] of [1, 9, 3, 4].entries()) {
    const seq = i === 1 ? again.seq : (blocks[i]?.seq ?? 0);
    assert.ok(
      outbox.read(seq).every((byte) => byte === fill),
      `slot ${i}`,
    );
  }
});

test('a torn slot is found by its hash and named with its intervals', (t) => {
  const dir = folder(t);
  const first = open(dir);
  const runs = [{ generation: 'g', from: 3, to: 8 }];
  put(first, Buffer.from('block'), runs, []);
  put(first, Buffer.from('whole'), [], []);
  first.close();
  const fd = openSync(join(dir, 'outbox.slots'), 'r+');
  writeSync(fd, 'X', 4096);
  const second = open(dir);
  t.after(() => second.close());
  const { blocks, torn } = second.recover();
  assert.deepEqual(
    torn.map((item) => item.runs),
    [runs],
  );
  assert.deepEqual(
    blocks.map((item) => second.read(item.seq).toString()),
    ['whole'],
  );
});

test('while the disk is full blocks wait in memory, positions stay, and both are written when there is room', (t) => {
  const dir = folder(t);
  let full = false;
  class FillingDisk extends SlotFile {
    override write(bytes: Uint8Array, region?: Region): number | undefined {
      if (full) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      return super.write(bytes, region);
    }
  }
  const outbox = open(dir, { slots: (path, size) => new FillingDisk(path, size) });
  put(outbox, Buffer.from('one'), [], [row(1)]);
  full = true;
  const held = put(outbox, Buffer.from('two'), [], [row(2)]);
  assert.ok(held);
  assert.equal(outbox.degraded, true);
  assert.equal(outbox.read(held.seq).toString(), 'two');
  assert.equal(outbox.generations()[0]?.position, 1, 'a crash now reads again from 1');
  assert.equal(put(outbox, Buffer.alloc(3 * mebibyte), [], []), undefined, 'memory is bounded');
  assert.equal(outbox.retryWrites(), false);
  full = false;
  assert.equal(outbox.retryWrites(), true);
  assert.equal(outbox.degraded, false);
  assert.equal(outbox.generations()[0]?.position, 2);
  outbox.close();
  const after = open(dir);
  t.after(() => after.close());
  assert.deepEqual(
    after.recover().blocks.map((item) => after.read(item.seq).toString()),
    ['one', 'two'],
  );
});

test('a slot is not used again before its row is gone, and room comes back with the disk', (t) => {
  const dir = folder(t);
  const outbox = open(dir);
  const blocks = [1, 2, 3, 4].map((n) => put(outbox, Buffer.alloc(mebibyte, n), [], []));
  const refusing = t.mock.method(StateDatabase.prototype, 'apply', () => {
    throw new Error('disk is full');
  });
  outbox.acknowledge(blocks.map((block) => block?.seq ?? 0));
  assert.equal(outbox.pendingBlocks, 0, 'nothing waits to be sent');
  assert.equal(put(outbox, Buffer.alloc(mebibyte, 9), [], []), undefined);
  refusing.mock.restore();
  assert.equal(outbox.retryWrites(), true);
  assert.ok(put(outbox, Buffer.alloc(mebibyte, 9), [], []));
  outbox.close();
  const after = open(dir);
  t.after(() => after.close());
  assert.equal(after.pendingBlocks, 1);
});

test('an error after the commit neither doubles the row nor leaves the outbox degraded', (t) => {
  class FailingHeader extends SlotFile {
    failing = false;
    override writeCommits(storeId: string, commits: number): void {
      if (this.failing) throw new Error('i/o error');
      super.writeCommits(storeId, commits);
    }
  }
  const made: FailingHeader[] = [];
  const outbox = open(folder(t), {
    slots: (path, size) => {
      const slots = new FailingHeader(path, size);
      made.push(slots);
      return slots;
    },
  });
  t.after(() => outbox.close());
  for (const slots of made) slots.failing = true;
  assert.ok(put(outbox, Buffer.from('one'), [], []));
  for (const slots of made) slots.failing = false;
  assert.equal(outbox.retryWrites(), true);
  assert.equal(outbox.degraded, false);
  assert.equal(outbox.pendingBlocks, 1);
});

test('the state of another machine is not trusted', (t) => {
  const dir = folder(t);
  const first = open(dir);
  const agent = first.agentId;
  first.close();
  const same = open(dir);
  assert.equal(same.suspicion, 'none');
  assert.deepEqual(same.agentId, agent);
  same.close();
  const clone = open(dir, { machineId: 'other' });
  t.after(() => clone.close());
  assert.equal(clone.suspicion, 'cloned');
  assert.notDeepEqual(clone.agentId, agent);
});

test('patterns that a full disk did not take are kept, and written when there is room', (t) => {
  const dir = folder(t);
  const outbox = open(dir);
  const refusing = t.mock.method(StateDatabase.prototype, 'setMeta', () => {
    throw new Error('disk is full');
  });
  outbox.noteKnownPatterns(['/a/*.log']);
  assert.equal(outbox.degraded, true);
  assert.deepEqual(outbox.knownPatterns(), ['/a/*.log']);
  refusing.mock.restore();
  assert.equal(outbox.retryWrites(), true);
  outbox.close();
  const after = open(dir);
  t.after(() => after.close());
  assert.deepEqual(after.knownPatterns(), ['/a/*.log']);
});
