import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock, VirtualTime } from '../testing/virtual-clock.ts';
import { type Moving, Progress } from './progress.ts';

function setUp() {
  const time = new VirtualTime(1_762_000_000_000, () => 0.5);
  const clock = new VirtualClock(time);
  const output = { pendingBlocks: 0, blocks: 0 };
  const moving: Moving = {
    outputs: () => [['out', output]],
    turns: 0,
    bytesRead: 0,
    readableBytes: 0,
    full: false,
    memoryHeld: false,
  };
  const progress = new Progress(clock, 60_000, () => moving);
  const pass = async (ms: number, turning = true) => {
    for (let at = 0; at < ms; at += 1_000) {
      await time.advance(1_000);
      if (turning) moving.turns++;
      progress.problem();
    }
  };
  return { output, moving, progress, pass };
}

test('an agent with nothing to do is healthy, however long', async () => {
  const { progress, pass } = setUp();
  await pass(600_000);
  assert.equal(progress.problem(), undefined);
});

test('blocks that wait without an acknowledgement are a problem after the limit, and until one comes', async () => {
  const { output, progress, pass } = setUp();
  await pass(600_000);
  output.pendingBlocks = 3;
  await pass(59_000);
  assert.equal(progress.problem(), undefined);
  await pass(5_000);
  assert.match(
    progress.problem() ?? '',
    /^output out: 3 blocks wait, and none was acknowledged for (?:1m|6\ds)$/,
  );
  output.blocks++;
  assert.equal(progress.problem(), undefined);
  await pass(59_000);
  assert.equal(progress.problem(), undefined, 'one a minute is progress');
});

test('reading that stands still although bytes are there is a problem, unless the outbox is full', async () => {
  const { moving, progress, pass } = setUp();
  moving.readableBytes = 10;
  await pass(65_000);
  assert.match(progress.problem() ?? '', /reading is stuck: 10 bytes are there/);
  moving.full = true;
  assert.equal(progress.problem(), undefined);
  moving.full = false;
  await pass(50_000);
  moving.bytesRead++;
  await pass(50_000);
  assert.equal(progress.problem(), undefined);
});

test('a pass over the files that never ends is a problem', async () => {
  const { progress, pass } = setUp();
  await pass(65_000, false);
  assert.match(progress.problem() ?? '', /no pass over the files has ended/);
});

test('memory over its limit for too long is a problem', async () => {
  const { moving, progress, pass } = setUp();
  moving.memoryHeld = true;
  await pass(65_000);
  assert.match(progress.problem() ?? '', /memory_limit/);
});
