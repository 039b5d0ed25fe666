import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, systemClock } from '@millrace/core/runtime/clock.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { runAgent } from '../agent.ts';
import type { KinesisOutput, Output, Pipeline, Stage, TailSource, Target } from '../config/pipeline.ts';
import { Listeners } from '../input/listeners.ts';
import { Shipper } from '../ship/shipper.ts';
import type { RecordOutcome, StreamClient, StreamRecord } from '../ship/stream-client.ts';
import { copiesOf, type ReceivedRecord, recordsOf } from './received.ts';

/** A stream in memory that can be told to fail in the ways that a real one can't be made to. */
export class FakeStream implements StreamClient {
  /** Every block as accepted, retries and all. */
  readonly blocks: Buffer[] = [];
  /** Decides each call: outcomes, or an error to throw; by default everything is accepted. */
  answer: (records: StreamRecord[]) => RecordOutcome[] | Error = (records) =>
    records.map(() => ({ ok: true }));
  /** With an error, the records are stored all the same: the acknowledgement is lost. */
  storesOnError = false;

  async putRecords(records: StreamRecord[]): Promise<RecordOutcome[]> {
    const answer = this.answer(records);
    if (answer instanceof Error) {
      if (this.storesOnError) for (const record of records) this.blocks.push(Buffer.from(record.data));
      await delay(1);
      throw answer;
    }
    for (const [i, record] of records.entries())
      if (answer[i]?.ok) this.blocks.push(Buffer.from(record.data));
    await delay(1);
    return answer;
  }

  close(): void {}

  /** One of each event id, in order of arrival. */
  records(): ReceivedRecord[] {
    return recordsOf(this.blocks);
  }

  /** Every copy of every record. */
  copies(): Generator<ReceivedRecord> {
    return copiesOf(this.blocks);
  }

  texts(): string[] {
    return this.records().map((record) => record.text);
  }
}

export const plainSource: TailSource = {
  id: 'source',
  where: 'test:1',
  label: '',
  paths: [],
  excludePaths: [],
  pathTimeZone: 'UTC',
  tag: 'test',
  readFromHead: true,
  refreshIntervalMs: 200,
  rotateWaitMs: 500,
  partialFlushMs: 300,
  multilineFlushMs: 300,
  framing: { type: 'newline' },
  rule: { v: 1, parse: { type: 'none' } },
};

export const plainOutput: KinesisOutput = {
  id: 'output',
  where: 'test:2',
  type: 'kinesis_streams',
  describe: () => [],
  createSender({ createClient, outbox, clock, telemetry, onAcknowledged }) {
    return new Shipper(this, createClient(this), outbox, clock, telemetry, onAcknowledged);
  },
  streamName: 's',
  region: 'r',
  endpoint: undefined,
  credentials: undefined,
  proxy: undefined,
  verifyPeer: true,
  fips: false,
  dualStack: false,
  stream: 'logs',
  lingerMs: 50,
  outboxBytes: 8 * 1024 * 1024,
  drainTimeoutMs: 10_000,
  requestRecordsMax: 500,
  requestBytesMax: 5 * 1024 * 1024,
  requestsInFlightMax: 3,
  retryBaseMs: 10,
  retryMaxMs: 100,
};

function matchOf(expression: RegExp, to: Output): Stage {
  const target: Target = { type: 'output', output: to };
  return { kind: 'match', where: 'test:3', pattern: '', expressions: [expression], target };
}

/** Everything to one output; files and state in `dir`. */
export function testPipeline(
  dir: string,
  source: Partial<TailSource> = {},
  mine: KinesisOutput = plainOutput,
): Pipeline {
  return {
    system: { stateDir: join(dir, 'state'), host: 'host', logLevel: 'error', http: undefined },
    sources: [{ ...plainSource, paths: [join(dir, '*.log*')], ...source }],
    inputs: [],
    stages: new Map([['', [matchOf(/^/, mine)]]]),
    outputs: [mine],
    notices: [],
  };
}

export interface TestAgent {
  stream: FakeStream;
  /** Stops cleanly; resolves to what runAgent said. */
  stop(): Promise<boolean>;
}

/** A folder for logs and state, removed after the test, and agents that run in this process. */
export function createWorkshop(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-agent-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const running = new Set<() => Promise<boolean>>();
  t.after(async () => {
    // One that hangs must not hang the test that shows it.
    const late = delay(20_000, false, { ref: false });
    for (const stop of running) await Promise.race([stop().catch(() => false), late]);
  });
  return {
    dir,
    start(
      options: {
        source?: Partial<TailSource>;
        output?: Partial<KinesisOutput>;
        stream?: FakeStream;
        once?: boolean;
        machineId?: string;
        clock?: Clock;
        resumed?: boolean;
        /** Further sources, ahead of the first. */
        before?: Partial<TailSource>[];
        /** Outputs asked before the default one, by tag. */
        others?: { tag: RegExp; stream: FakeStream; output?: Partial<KinesisOutput> }[];
      } = {},
    ): TestAgent & { done: Promise<boolean> } {
      const stream = options.stream ?? new FakeStream();
      const mine = { ...plainOutput, ...options.output };
      const others = (options.others ?? []).map((other, i) => ({
        ...other,
        output: { ...plainOutput, ...options.output, ...other.output, id: `other ${i}` },
      }));
      const pipeline = testPipeline(dir, options.source, mine);
      for (const source of options.before ?? [])
        pipeline.sources.unshift(...testPipeline(dir, source).sources);
      pipeline.outputs.push(...others.map((other) => other.output));
      pipeline.stages.get('')?.unshift(...others.map((other) => matchOf(other.tag, other.output)));
      const controller = new AbortController();
      const done = runAgent({
        pipeline,
        once: options.once ?? false,
        resumed: options.resumed ?? false,
        machineId: options.machineId ?? 'machine',
        clock: options.clock ?? systemClock,
        log: createLogger('agent', process.env.MILLRACE_TEST_LOG ?? 'silent'),
        createClient: (to) => others.find((other) => other.output === to)?.stream ?? stream,
        listeners: new Listeners(),
        signal: controller.signal,
      });
      const stop = () => {
        running.delete(stop);
        controller.abort();
        return done;
      };
      running.add(stop);
      return { stream, stop, done };
    },
  };
}

/** Waits until `condition` holds; fails with `what` after 10 s. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (condition()) return;
    await delay(10);
  }
  throw new Error(`never: ${what}`);
}
