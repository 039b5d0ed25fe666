import { Corrections } from '@millrace/archive/corrections/corrections.ts';
import { fakeObjectStore } from '@millrace/archive/testing/fake-object-store.ts';
import { encodeFooter } from '@millrace/core/archive/encode-footer.ts';
import { FooterBuilder } from '@millrace/core/archive/footer-builder.ts';
import { archiveKey, hourMs } from '@millrace/core/archive/key.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { blockOf } from '@millrace/core/testing/blocks.ts';
import { virtualClock } from '@millrace/core/testing/virtual-clock.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { consumerEvents } from '../events.ts';
import { fillObject } from '../filler/fill-object.ts';
import { Filler } from '../filler/filler.ts';
import { createIndexer } from '../index/indexer.ts';
import { Horizons } from '../retention/horizons.ts';
import { SetAsideStorm } from '../set-aside/storm.ts';
import { wholeStore } from './whole-store.ts';

export const running = new AbortController().signal;

/** The filler between fakes. */
export function setUp(hotDays?: number) {
  const clock = virtualClock();
  const objects = fakeObjectStore();
  const store = wholeStore();
  const telemetryOf = () => createTelemetry('consumer', consumerEvents, createLogger('test', 'silent'));
  const telemetry = telemetryOf();
  const horizons = new Horizons(store, clock);
  const indexer = createIndexer({ store, clock, telemetry, horizons });
  const replacing = createIndexer({ store, clock, telemetry: telemetryOf(), overwrite: true });
  const work = {
    objects,
    store,
    indexer,
    renderer: createRenderer(),
    corrections: async () => new Corrections([]),
    emit: telemetry.emit,
    readBytes: 1_048_576,
    prefix: '',
    clock,
    giveUpMs: 120_000,
    storm: new SetAsideStorm(clock, telemetry),
  };
  const config = { interval_ms: 60_000, min_age_ms: 60_000, remember_max: 1_000, read_bytes: 1_048_576 };
  let held = true;
  const options = {
    config,
    prefix: '',
    hotDays,
    objects,
    store,
    clock,
    telemetry,
    lock: {
      hold: async () => held,
      release: async () => {
        held = false;
      },
    },
    horizons,
    fill: (key: string, bytes: number, signal: AbortSignal) => fillObject(work, key, bytes, signal),
    refill: (key: string, signal: AbortSignal) =>
      fillObject(
        { ...work, indexer: replacing, again: true },
        key,
        objects.objects.get(key)?.bytes.length ?? 0,
        signal,
      ),
  };
  const filler = new Filler(options);
  /** One pass, while time goes on; by another process when `by` says so. */
  const pass = async (all = true, by = filler, withinMs = 1_000) => {
    let over = false;
    const filled = by
      .pass(running, all)
      .catch((error: unknown) => error)
      .finally(() => {
        over = true;
      });
    await clock.advance(withinMs);
    for (let i = 0; i < 20 && !over; i++) await clock.advance(100);
    return filled;
  };
  let next = 0;
  /** An archive object of `blocks` blocks of one line each, completed long ago. */
  const addObject = (
    options: {
      blocks?: number;
      agoMs?: number;
      rule?: string;
      /** Which block has the rule; absent: all. */
      ruleAt?: number;
      damage?: number;
      stream?: string;
      capturedMs?: number;
    } = {},
  ) => {
    const { blocks = 2, agoMs = 2 * hourMs, rule, ruleAt, damage, stream = 'logs' } = options;
    const { capturedMs = 1_770_000_000_000 } = options;
    const builder = new FooterBuilder(stream);
    const parts: Buffer[] = [];
    const first = next;
    for (let i = 0; i < blocks; i++) {
      const run = {
        bytes: Buffer.from(`line ${next}\n`),
        from: next * 100,
        capturedMs,
        multiline: false,
      };
      const { header, payload } = blockOf([run], ruleAt === undefined || ruleAt === i ? rule : undefined);
      header.stream = stream;
      const bytes = encodeBlock(header, payload);
      builder.add(
        { length: bytes.length, id: blockId(bytes), arrivalMs: 1, sequence: String(next++) },
        header,
      );
      if (i === damage) bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      parts.push(bytes);
    }
    const arrivedMs = clock.now() - agoMs;
    const key = archiveKey({
      prefix: '',
      stream,
      hourMs: arrivedMs,
      shard: 's-1',
      firstSequence: String(first),
      suffix: '00000000',
    });
    objects.objects.set(key, {
      bytes: Buffer.concat([...parts, encodeFooter(builder.build())]),
      modifiedMs: clock.now() - Math.min(agoMs, 120_000),
    });
    return key;
  };
  /** The loop for another store. */
  const fillerOf = (other: ReturnType<typeof wholeStore>) => {
    const own = telemetryOf();
    const theirs = { ...work, store: other, indexer: createIndexer({ store: other, clock, telemetry: own }) };
    const fill = (key: string, bytes: number, signal: AbortSignal) => fillObject(theirs, key, bytes, signal);
    return new Filler({
      ...options,
      store: other,
      telemetry: own,
      horizons: new Horizons(other, clock),
      fill,
    });
  };
  const another = () => new Filler({ ...options, telemetry: telemetryOf() });
  return { clock, objects, store, work, filler, another, pass, addObject, fillerOf };
}
