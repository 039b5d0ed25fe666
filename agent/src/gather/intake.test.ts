import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isMillraceError } from '@millrace/core/errors.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import fc from 'fast-check';
import type { Output, Stage } from '../config/pipeline.ts';
import { agentEvents } from '../events.ts';
import type { Batch } from '../input/input.ts';
import type { Sender } from '../ship/sender.ts';
import { Outbox, type OutboxBlock } from '../state/outbox.ts';
import { SlotFile } from '../state/slots.ts';
import { plainOutput, testPipeline, until } from '../testing/harness.ts';
import { recordsOf } from '../testing/received.ts';
import { PushGatherer } from './intake.ts';
import { Lanes } from './lanes.ts';

const mib = 1024 * 1024;
const full = (error: unknown) => isMillraceError(error, 'OUTBOX_FULL');

interface Options {
  /** Outbox of each output that gets everything. */
  outputs?: { id: string; outboxBytes: number; lingerMs?: number }[];
  /** What the match before it is; none: nothing is routed. */
  filter?: Stage[];
  routed?: boolean;
  /** Fails as a disk does. */
  refuses?: () => boolean;
}

/** A gatherer on a real outbox; its senders keep blocks until they are told to acknowledge. */
function open(t: TestContext, { outputs, filter = [], routed = true, refuses = () => false }: Options = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-intake-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const telemetry = createTelemetry('agent', agentEvents, createLogger('agent', 'silent'));
  const all: Output[] = (outputs ?? [{ id: 'a', outboxBytes: 32 * mib }]).map((each) => ({
    ...plainOutput,
    lingerMs: 0,
    ...each,
  }));
  const pipeline = testPipeline(dir, {}, plainOutput);
  pipeline.outputs = all;
  // One way each, as `copy` has them with filters of their own behind it.
  const target: Stage[] = all.map((output, i) => ({
    kind: 'match',
    where: `test:${i}`,
    pattern: '',
    expressions: [/^/],
    target: { type: 'output', output },
  }));
  pipeline.stages = new Map([['', routed ? [...filter, copyOf(target)] : []]]);
  class Refusing extends SlotFile {
    override write(...args: Parameters<SlotFile['write']>): number | undefined {
      if (refuses()) throw new Error('ENOSPC');
      return super.write(...args);
    }
  }
  const outbox = new Outbox({
    dir: pipeline.system.stateDir,
    outputs: all,
    memoryBytesMax: 16 * mib,
    machineId: 'm',
    clock: systemClock,
    telemetry,
    openSlots: (path, size) => new Refusing(path, size),
  });
  const blocks: Buffer[] = [];
  const waiting: OutboxBlock[] = [];
  const sender: Sender = {
    unacknowledged: 0,
    add(block) {
      blocks.push(Buffer.from(outbox.read(block.seq)));
      waiting.push(block);
    },
    async run() {},
    stop() {},
  };
  const senders = new Map(all.map(({ id }) => [id, sender]));
  const lanes = new Lanes(pipeline, senders, outbox, systemClock, telemetry, () => gatherer.nudge());
  const gatherer = new PushGatherer(lanes, outbox, systemClock, telemetry);
  const running = gatherer.run();
  const acknowledge = (which: (block: OutboxBlock) => boolean = () => true) => {
    const acknowledged = waiting.filter(which);
    for (const block of acknowledged) waiting.splice(waiting.indexOf(block), 1);
    outbox.acknowledge(acknowledged.map(({ seq }) => seq));
    for (const lane of lanes.all()) lane.roomMade();
  };
  const end = async () => {
    gatherer.abandon();
    for (const lane of lanes.all()) lane.abandon();
    await running;
    await Promise.all(lanes.all().map((lane) => lane.settled()));
  };
  t.after(async () => {
    await end();
    outbox.close();
  });
  const intake = gatherer.intakeOf({ id: 's', label: '' });
  return { intake, gatherer, outbox, lanes, blocks, waiting, acknowledge, end, running, telemetry };
}

function copyOf(stages: Stage[]): Stage {
  const targets = stages.flatMap((stage) => (stage.kind === 'match' ? [stage.target] : []));
  const [only] = targets;
  return {
    kind: 'match',
    where: 'test',
    pattern: '',
    expressions: [/^/],
    target: targets.length === 1 && only ? only : { type: 'copy', targets },
  } as Stage;
}

function batch(text: string | Buffer, more: Partial<Batch> = {}): Batch {
  const bytes = Buffer.from(text);
  return { tag: 't', origin: 'o', rule: { v: 1, parse: { type: 'none' } }, bytes, ack: 'disk', ...more };
}

function note(key: string): Pick<Batch, 'notes'> {
  return { notes: [{ key, value: 'v', keepMs: 60_000 }] };
}

/** Whether a promise is settled by now, after what is under way has had its time. */
async function settledSoon(promise: Promise<unknown>): Promise<string> {
  const late = new Promise<string>((resolve) => setTimeout(() => resolve('open'), 150));
  return Promise.race([promise.then(() => 'done', String), late]);
}

test('a batch resolves when it is on disk, with its note; before, the note is unknown', async (t) => {
  const { intake, blocks } = open(t);
  const pushed = intake.push(batch('one\n', note('k')));
  assert.equal(intake.note('k'), undefined);
  await pushed;
  assert.equal(intake.note('k'), 'v');
  assert.deepEqual(
    recordsOf(blocks).map(({ text }) => text),
    ['one\n'],
  );
});

test('with ack stream it resolves when the stream has it, with ack none when it is gathered', async (t) => {
  const { intake, waiting, acknowledge } = open(t);
  const pushed = intake.push(batch('one\n', { ack: 'stream' }));
  await until(() => waiting.length === 1, 'a block');
  assert.equal(await settledSoon(pushed), 'open');
  acknowledge();
  await pushed;
  await intake.push(batch('two\n', { ack: 'none' }));
});

test('what the disk refused is acknowledged when the stream has it', async (t) => {
  const { intake, waiting, acknowledge } = open(t, { refuses: () => true });
  const pushed = intake.push(batch('one\n', note('k')));
  await until(() => waiting.length === 1, 'a block');
  assert.equal(waiting[0]?.onDisk, false);
  assert.equal(await settledSoon(pushed), 'open');
  acknowledge();
  await pushed;
});

test('batches of one origin keep their order, whatever their sizes', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 1, max: 400_000 })), { maxLength: 12 }),
      async (sizes) => {
        const { intake, blocks, end, acknowledge } = open(t);
        const texts = sizes.map(([, size], i) => `${i} ${'x'.repeat(size)}\n`);
        await Promise.all(sizes.map(([origin], i) => intake.push(batch(texts[i] ?? '', { origin }))));
        acknowledge();
        await end();
        const found = recordsOf(blocks).map(({ text }) => text);
        for (const origin of ['a', 'b'])
          assert.deepEqual(
            found.filter((text) => sizes[Number.parseInt(text, 10)]?.[0] === origin),
            texts.filter((_, i) => sizes[i]?.[0] === origin),
          );
      },
    ),
    { numRuns: 15 },
  );
});

test('a batch over several blocks: all records once, the note with the last block', async (t) => {
  const { intake, outbox, blocks } = open(t);
  const put = outbox.put.bind(outbox);
  const notes: number[] = [];
  outbox.put = (...args) => {
    notes.push(args[2]?.notes?.length ?? 0);
    return put(...args);
  };
  const texts = Array.from({ length: 50 }, (_, i) => `${i} ${'y'.repeat(60_000)}\n`);
  await intake.push(batch(texts.join(''), note('k')));
  assert.deepEqual(
    recordsOf(blocks).map(({ text }) => text),
    texts,
  );
  assert.ok(notes.length > 2, 'several blocks');
  assert.deepEqual(notes.filter(Boolean), [1]);
  assert.equal(notes.at(-1), 1);
});

test('the same large batch again, as after a crash between its blocks, has the same ids; a small one goes on', async (t) => {
  const { intake, blocks } = open(t);
  const text = Array.from({ length: 30 }, (_, i) => `${i} ${'z'.repeat(60_000)}\n`).join('');
  for (let i = 0; i < 2; i++) await intake.push(batch(text, { identity: 'chunk' }));
  assert.equal(recordsOf(blocks).length, 30);
  for (let i = 0; i < 2; i++) await intake.push(batch('same\n', { identity: 'small' }));
  assert.equal(recordsOf(blocks).length, 32);
});

test('a record over a block comes in pieces that say so, between its neighbours', async (t) => {
  const framings: [string, boolean][] = [
    ['by newlines', false],
    ['by lengths', true],
  ];
  for (const [name, framed] of framings)
    await t.test(name, async (t) => {
      const { intake, blocks } = open(t);
      const texts = ['first\n', `${'w'.repeat(2_500_000)}\n`, 'last\n'];
      const lengths = framed ? { lengths: texts.map((text) => text.length) } : {};
      await intake.push(batch(texts.join(''), lengths));
      const runs = blocks.flatMap((bytes) => decodeBlock(bytes).header.runs);
      const pieces = runs.filter(({ to, from }) => to - from > 100);
      assert.deepEqual(
        pieces.map(({ continues, continued }) => [continues, continued]),
        [
          [false, true],
          [true, true],
          [true, false],
        ],
      );
      const found = recordsOf(blocks).map(({ text }) => text);
      assert.equal(found.join(''), texts.join(''));
      assert.equal(found.at(0), 'first\n');
      assert.equal(found.at(-1), 'last\n');
    });
});

test('records with lengths keep their inner newlines, also where a block ends among them', async (t) => {
  const { intake, blocks } = open(t);
  const texts = Array.from({ length: 40 }, (_, i) => `${i}\n${'v'.repeat(70_000)}\nend\n`);
  await intake.push(batch(texts.join(''), { lengths: texts.map((text) => text.length) }));
  assert.deepEqual(
    recordsOf(blocks).map(({ text }) => text),
    texts,
  );
});

test('copied to two outputs, the note is committed with the last; one full outbox keeps it open', async (t) => {
  const noise = () => randomBytes(60_000).toString('base64');
  const outputs = [
    { id: 'wide', outboxBytes: 32 * mib },
    { id: 'narrow', outboxBytes: 2 * mib },
  ];
  const { intake, waiting, acknowledge } = open(t, { outputs });
  const all: Promise<void>[] = [];
  for (let i = 0; i < 60; i++) all.push(intake.push(batch(`${i} ${noise()}\n`, note(`k${i}`))));
  const last = all.at(-1) ?? Promise.resolve();
  await until(() => waiting.length > 1, 'blocks');
  assert.equal(await settledSoon(last), 'open');
  assert.equal(intake.note('k59'), undefined);
  const pump = setInterval(() => acknowledge(), 5);
  await last;
  clearInterval(pump);
  assert.equal(intake.note('k59'), 'v');
});

test('what waits is bounded: more is refused at once, and told when there is room', async (t) => {
  const { intake, gatherer, lanes, waiting, acknowledge } = open(t, {
    outputs: [{ id: 'a', outboxBytes: mib }],
  });
  const noise = () => randomBytes(700_000).toString('base64');
  const pushed: Promise<void>[] = [];
  const fill = () => {
    for (let i = 0; i < 100; i++) pushed.push(intake.push(batch(`${noise()}\n`)));
  };
  assert.throws(fill, full);
  await until(() => waiting.length === 1 && lanes.all().every((lane) => lane.full), 'the outbox is full');
  assert.throws(fill, full);
  assert.ok(pushed.length >= 16 && pushed.length < 40, `${pushed.length}`);
  assert.ok(gatherer.queuedBytes <= 16 * mib);
  const room = intake.room();
  assert.equal(await settledSoon(room), 'open');
  const pump = setInterval(() => waiting.length > 0 && acknowledge(), 5);
  assert.equal(await room, true);
  await Promise.all(pushed);
  clearInterval(pump);
});

test('a batch longer than what may wait is taken when nothing waits', async (t) => {
  const { intake, blocks, acknowledge } = open(t, { outputs: [{ id: 'a', outboxBytes: 64 * mib }] });
  const text = `${'u'.repeat(99)}\n`.repeat(200_000);
  const pump = setInterval(() => acknowledge(), 5);
  await intake.push(batch(text));
  clearInterval(pump);
  assert.equal(recordsOf(blocks).length, 200_000);
});

test('tags that nothing takes are counted, and their sender is not kept', async (t) => {
  const { intake, telemetry } = open(t, { routed: false });
  await intake.push(batch('12345\n'));
  await intake.push(batch('12345\n'));
  const metrics = await telemetry.registry.metrics();
  assert.match(metrics, /millrace_agent_unrouted_bytes_total 12\b/);
  assert.match(metrics, /millrace_agent_tag_unrouted_total 1\b/);
});

test('a stop takes no more and stores what was taken; an abandoned one tells who still waits', async (t) => {
  const first = open(t);
  const taken = first.intake.push(batch('one\n'));
  first.gatherer.stop();
  assert.throws(() => first.intake.push(batch('two\n')), full);
  await Promise.all([taken, first.running]);
  assert.equal(await first.intake.room(), false);

  const second = open(t);
  const waits = second.intake.push(batch('one\n', { ack: 'stream' }));
  waits.catch(() => {});
  await until(() => second.waiting.length === 1, 'a block');
  const shipped = second.intake.shipped();
  shipped.catch(() => {});
  second.gatherer.abandon();
  await assert.rejects(waits, full);
  await assert.rejects(shipped, full);
});

test('the bytes of what waits for the stream are let go of', async (t) => {
  const { intake, waiting } = open(t, { outputs: [{ id: 'a', outboxBytes: 64 * mib }] });
  const kept: WeakRef<Buffer>[] = [];
  const push = () => {
    const bytes = Buffer.alloc(500_000, 'q\n');
    kept.push(new WeakRef(bytes));
    intake.push(batch('', { bytes, ack: 'stream' })).catch(() => {});
  };
  for (let i = 0; i < 10; i++) push();
  await until(() => waiting.length >= 5, 'blocks');
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose_gc');
  const gc = runInNewContext('gc') as () => void;
  await until(() => {
    gc();
    return kept.filter((ref) => ref.deref() !== undefined).length <= 2;
  }, 'their memory is free');
});
