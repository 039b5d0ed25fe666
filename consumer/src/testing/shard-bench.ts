import { fakeObjectStore } from '@millrace/archive/testing/fake-object-store.ts';
import { decodeFooter, footerFrameLength } from '@millrace/core/archive/decode-footer.ts';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { createRenderer, type Renderer } from '@millrace/core/document/render.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { blockOf } from '@millrace/core/testing/blocks.ts';
import { virtualClock } from '@millrace/core/testing/virtual-clock.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { ConsumerConfigSchema } from '../config.ts';
import { ShardCounts } from '../counters/shard-counts.ts';
import { shardEvents } from '../events.ts';
import { createIndexer } from '../index/indexer.ts';
import type { DeliveredRecord } from '../shard/kcl-protocol.ts';
import { createProcessor } from '../shard/processor.ts';
import { Shard } from '../shard/shard.ts';
import { wholeStore } from './whole-store.ts';

/** A shard on the daemon's protocol, with fakes on all other sides. */
export function setUp(
  overrides: {
    streams?: string[];
    give_up_ms?: number;
    queue_bytes_max?: number;
    buffer_bytes_max?: number;
    object_bytes_max?: number;
    counters?: object;
  } = {},
) {
  const { streams = ['*'], give_up_ms = 120_000, queue_bytes_max = 33_554_432 } = overrides;
  const { buffer_bytes_max = 48 * 1024 * 1024, object_bytes_max = 64 * 1024 * 1024 } = overrides;
  const { counters } = overrides;
  const config = validateConfig(
    ConsumerConfigSchema,
    {
      stream: { name: 'kinesis', region: 'r' },
      archive: { bucket: 'b', region: 'r', prefix: 'p/', buffer_bytes_max, object_bytes_max },
      store: { type: 'opensearch', node: 'http://127.0.0.1:9200' },
      streams,
      ...(counters && { counters }),
      index: { give_up_ms, queue_bytes_max },
      http: { port: 0 },
      java: { bin: 'java', jars: '.' },
      state_dir: '.',
    },
    'test',
  );
  const clock = virtualClock();
  const objects = fakeObjectStore();
  const store = wholeStore();
  const telemetry = createTelemetry('shard', shardEvents, createLogger('test', 'silent'));
  const emitted: string[] = [];
  const { emit } = telemetry;
  telemetry.emit = (name, fields) => {
    emitted.push(name);
    emit(name, fields);
  };
  const failures: unknown[] = [];
  const fail = (error: unknown) => failures.push(error);
  const indexer = createIndexer({ store, clock, telemetry, config: config.index });
  /** Records, by sequence number, that take their process along, and what happens at the others. */
  const fatal = new Set<string>();
  const note = {
    condemned: ({ sequence }: { sequence: string }) => fatal.has(sequence),
    during: <T>(_record: unknown, work: () => T) => work(),
    step: () => {},
  };
  const real = createRenderer();
  /** Throws at blocks that say so. */
  const renderer: Renderer = {
    renderBlock(block, records, emit, see) {
      if (Buffer.from(block.payload).includes('throw')) throw new TypeError('a fault of ours');
      return real.renderBlock(block, records, emit, see);
    },
  };
  /** What the main process would be told of counts. */
  const counted: string[] = [];
  const counts =
    config.counters &&
    new ShardCounts({ config: config.counters, clock, write: (line) => counted.push(line) });
  let shard: Shard | undefined;
  const processor = createProcessor({
    open: (id) => {
      shard = new Shard({
        id,
        config,
        objects,
        store,
        indexer,
        clock,
        telemetry,
        renderer,
        note,
        counts,
        fail,
      });
      return shard;
    },
    clock,
    emit: telemetry.emit,
    drainMs: config.drain_ms,
    fail,
  });
  /** KCL's side: what was checkpointed, and how the next checkpoints are answered. */
  const checkpoints: (string | 'end')[] = [];
  const refusals: string[] = [];
  let checkpointing = false;
  /** Calls that are not answered yet. */
  let open = 0;
  const checkpointer = {
    checkpoint(...args: unknown[]) {
      const callback = args.at(-1) as (error: string | null) => void;
      // The daemon takes one at a time, and none but during a call.
      if (checkpointing || open === 0) failures.push(new Error('a checkpoint out of turn'));
      checkpointing = true;
      queueMicrotask(() => {
        checkpointing = false;
        const refusal = refusals.shift();
        if (refusal === undefined) checkpoints.push(args.length === 1 ? 'end' : (args[0] as string));
        callback(refusal ?? null);
      });
    },
  };
  /** Sends one call and resolves when it is answered, while time goes on. */
  const call = async (send: (done: () => void) => void, withinMs = 1_000) => {
    let answered = false;
    open++;
    send(() => {
      answered = true;
      open--;
    });
    await clock.advance(withinMs);
    return answered;
  };
  const process = (records: DeliveredRecord[], withinMs?: number) =>
    call(
      (done) => processor.processRecords({ records, millisBehindLatest: 5, checkpointer }, done),
      withinMs,
    );
  const start = () => call((done) => processor.initialize({ shardId: 'shardId-000000000000' }, done));
  return {
    clock,
    objects,
    store,
    processor,
    checkpointer,
    checkpoints,
    refusals,
    failures,
    emitted,
    counted,
    fatal,
    /** Undefined before `start`. */
    shard: () => shard,
    call,
    process,
    start,
  };
}

export function delivered(sequence: number, data: Buffer): DeliveredRecord {
  return {
    data: data.toString('base64'),
    partitionKey: 'k',
    sequenceNumber: String(sequence),
    subSequenceNumber: 0,
    approximateArrivalTimestamp: Date.UTC(2026, 1, 3, 4),
  };
}

export function block(sequence: number, stream = 'logs'): DeliveredRecord {
  const text = Buffer.from(`line ${sequence}\n`);
  const { header, payload } = blockOf([
    { bytes: text, from: sequence * 100, capturedMs: Date.UTC(2026, 1, 3, 4), multiline: false },
  ]);
  header.stream = stream;
  return delivered(sequence, encodeBlock(header, payload));
}

/** Footers of the archive objects. */
export const archived = (objects: ReturnType<typeof fakeObjectStore>) =>
  [...objects.objects]
    .filter(([key]) => key.startsWith('p/archive/'))
    .map(([, { bytes }]) => {
      const length = footerFrameLength(bytes);
      return decodeFooter(bytes.subarray(-length), bytes.length - length);
    });
