import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import type { Logger } from '@millrace/core/telemetry/log.ts';
import { agentEvents } from '../events.ts';
import { Outbox, type OutboxBlock } from '../state/outbox.ts';
import { createWorkshop, plainOutput, until } from '../testing/harness.ts';
import { VirtualClock, VirtualTime } from '../testing/virtual-clock.ts';
import { Lane } from './lane.ts';

function open(t: TestContext, { lingerMs = 1_000, outboxBytes = 1024 * 1024 } = {}) {
  const { dir } = createWorkshop(t);
  const time = new VirtualTime(0, () => 0.5);
  const clock = new VirtualClock(time);
  const said: string[] = [];
  const take = ({ event }: { event: string }) => said.push(event);
  const log = { debug: take, info: take, warn: take, error: take } as unknown as Logger;
  const telemetry = createTelemetry('agent', agentEvents, log);
  const output = { ...plainOutput, lingerMs, outboxBytes };
  const options = { dir, outputs: [output], memoryBytesMax: 0, machineId: 'm', clock, telemetry };
  const outbox = new Outbox(options);
  t.after(() => outbox.close());
  const head = { host: 'h', agent: outbox.agentId, stream: 's' };
  const lane = new Lane([output], new Map(), head, outbox, clock, telemetry);
  const heard: string[] = [];
  const stored: OutboxBlock[] = [];
  const fill = (name: string, durable: boolean, size = 10) => {
    const bytes = Buffer.from(crypto.getRandomValues(new Uint8Array(Math.min(size, 65_536))));
    lane.builder?.free().set(bytes);
    const origin = { generation: Buffer.alloc(16), path: 'p', tag: 't', rule: '{}', from: 0 };
    lane.builder?.add({ ...origin, capturedMs: 0, continues: false }, { size, continued: false }, undefined);
    const watcher = {
      committed: (blocks: OutboxBlock[]) => {
        stored.push(...blocks);
        heard.push(`${name} committed`);
      },
      abandoned: () => heard.push(`${name} abandoned`),
    };
    lane.attach({ durable, watcher });
  };
  return { time, lane, fill, heard, outbox, said, stored };
}

test('the first block is due at once, the next after the linger, sooner when senders wait for an answer', async (t) => {
  const { time, lane, fill, heard } = open(t);
  assert.equal(lane.dueInMs(), Number.POSITIVE_INFINITY);
  fill('a', false);
  assert.equal(lane.dueInMs(), 0);
  lane.flush();
  await lane.settled();
  assert.deepEqual(heard, ['a committed']);
  fill('b', false);
  assert.equal(lane.dueInMs(), 1_000);
  fill('c', true);
  assert.equal(lane.dueInMs(), 50);
  await time.advance(50);
  assert.equal(lane.dueInMs(), 0);
  lane.flush();
  await lane.settled();
  assert.deepEqual(heard.slice(1), ['b committed', 'c committed']);
});

test('a linger shorter than 50 ms holds for who waits for an answer too', async (t) => {
  const { lane, fill } = open(t, { lingerMs: 10 });
  fill('a', true);
  lane.flush();
  await lane.settled();
  fill('b', true);
  assert.equal(lane.dueInMs(), 10);
});

test('with a full outbox both builders wait; watchers hear of what finds no room when the lane is abandoned', async (t) => {
  const { lane, fill, heard } = open(t, { outboxBytes: 4096 });
  fill('a', true);
  assert.equal(lane.flush(), true);
  await lane.settled();
  fill('b', true);
  assert.equal(lane.flush(), true);
  await until(() => lane.full, 'there is no room');
  fill('c', true);
  assert.equal(lane.flush(), false);
  assert.equal(lane.builder, undefined);
  assert.equal(lane.dueInMs(), Number.POSITIVE_INFINITY);
  lane.abandon();
  await lane.settled();
  assert.equal(lane.flush(), true);
  await lane.settled();
  assert.deepEqual(heard, ['a committed', 'b abandoned', 'c abandoned']);
  assert.equal(lane.idle, true);
});

test('an outbox that is full again and again is told of once, and of its room when it is empty', async (t) => {
  const { lane, fill, outbox, said, stored } = open(t, { outboxBytes: 4096 });
  const story = () => said.filter((event) => event.startsWith('outbox_'));
  fill('0', false);
  lane.flush();
  await lane.settled();
  for (let i = 1; i < 5; i++) {
    fill(String(i), false);
    lane.flush();
    await until(() => lane.full, 'there is no room');
    outbox.acknowledge(stored.splice(0).map(({ seq }) => seq));
    lane.roomMade();
    await lane.settled();
  }
  assert.deepEqual(story(), ['outbox_full']);
  outbox.acknowledge(stored.splice(0).map(({ seq }) => seq));
  lane.roomMade();
  assert.deepEqual(story(), ['outbox_full', 'outbox_room']);
});
