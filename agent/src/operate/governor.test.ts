import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock, VirtualTime } from '../testing/virtual-clock.ts';
import { Governor, type GovernorOptions } from './governor.ts';

const mebibyte = 1024 * 1024;

/** A governor over a process whose use of the machine the test says. */
function setUp(limits: GovernorOptions['limits']) {
  const time = new VirtualTime(1_762_000_000_000, () => 0.5);
  const clock = new VirtualClock(time);
  const process = { cpu: 0, resident: 100 * mebibyte, garbage: 0, shrunk: 0 };
  const said: [boolean, number][] = [];
  const governor = new Governor({
    limits,
    clock,
    usage: {
      cpuMicros: () => process.cpu,
      residentBytes: () => process.resident,
      shrink() {
        process.shrunk++;
        process.resident -= process.garbage;
      },
    },
    onMemory: (over, bytes) => said.push([over, bytes]),
  });
  return { governor, process, said, pass: (ms: number) => time.advance(ms) };
}

test('reading rests when more than cpu_limit was taken, for as long as that takes to be paid', async () => {
  const { governor, process, pass } = setUp({ cpuShare: 0.2 });
  await pass(1_000);
  // 200 ms are allowed of it.
  process.cpu += 300_000;
  assert.deepEqual(governor.allow(100), { waits: 'cpu_limit' });
  await pass(400);
  assert.deepEqual(governor.allow(100), { waits: 'cpu_limit' });
  await pass(200);
  assert.deepEqual(governor.allow(100), { bytes: 100 });
});

test('in the long run the share of a core is what cpu_limit says', async () => {
  const { governor, process, pass } = setUp({ cpuShare: 0.2 });
  for (let ms = 0; ms < 100_000; ms += 10) {
    // Reading would take a whole core.
    if ('bytes' in governor.allow(100)) process.cpu += 10_000;
    await pass(10);
  }
  assert.ok(Math.abs(process.cpu / 100_000_000 - 0.2) < 0.01, `${process.cpu}`);
});

test('a slow start is not paid for forever, nor is a quiet hour saved up', async () => {
  const { governor, process, pass } = setUp({ cpuShare: 0.5 });
  process.cpu += 3_600_000_000;
  governor.allow(1);
  await pass(5_100);
  assert.deepEqual(governor.allow(1), { bytes: 1 });
  await pass(3_600_000);
  governor.allow(1);
  process.cpu += 600_000;
  assert.deepEqual(governor.allow(1), { waits: 'cpu_limit' });
});

test('over memory_limit nothing is read; memory is asked to shrink first, and now and then', async () => {
  const { governor, process, said, pass } = setUp({ memoryBytes: 200 * mebibyte });
  assert.deepEqual(governor.allow(100), { bytes: 100 });
  process.resident = 210 * mebibyte;
  process.garbage = 20 * mebibyte;
  await pass(1_000);
  assert.deepEqual(governor.allow(100), { bytes: 100 }, 'what could be given back was enough');
  process.garbage = 0;
  process.resident = 300 * mebibyte;
  await pass(1_000);
  assert.deepEqual(governor.allow(100), { waits: 'memory_limit' });
  assert.equal(governor.memoryHeld, true);
  process.resident = 199 * mebibyte;
  await pass(1_000);
  assert.deepEqual(governor.allow(100), { waits: 'memory_limit' }, 'just under it is not enough');
  process.resident = 150 * mebibyte;
  await pass(1_000);
  assert.deepEqual(governor.allow(100), { bytes: 100 });
  assert.deepEqual(
    said.map(([over]) => over),
    [true, false],
  );
  process.resident = 300 * mebibyte;
  for (let i = 0; i < 40; i++) {
    await pass(500);
    governor.look();
  }
  assert.ok(process.shrunk >= 2 && process.shrunk <= 5, `${process.shrunk} times in 24 s`);
});

test('rate_limit holds over all files, and what was read beyond it is paid for', async () => {
  const { governor, pass } = setUp({ readBytesPerSecond: mebibyte });
  let read = 0;
  for (let ms = 0; ms < 20_000; ms += 50) {
    for (let file = 0; file < 10; file++) {
      const allowed = governor.allow(mebibyte);
      if ('waits' in allowed) continue;
      assert.ok(allowed.bytes <= mebibyte && allowed.bytes >= 4096);
      // A file can yield more than was asked for: its record ends later.
      governor.spend(allowed.bytes + 100);
      read += allowed.bytes + 100;
    }
    await pass(50);
  }
  assert.ok(Math.abs(read / (21 * mebibyte) - 1) < 0.02, `${read}`);
});

test('without a limit it is not asked', () => {
  const { governor } = setUp({});
  assert.deepEqual(governor.allow(7), { bytes: 7 });
});
