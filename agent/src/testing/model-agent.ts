import { cpSync, renameSync, rmSync } from 'node:fs';
import type { Logger } from '@millrace/core/telemetry/log.ts';
import { compressFrame, FrameCompressor } from '@millrace/core/wire/zstd-frame.ts';
import { runAgent } from '../agent.ts';
import { Listeners } from '../input/listeners.ts';
import type { RecordOutcome, StreamRecord } from '../ship/stream-client.ts';
import { plainOutput, testPipeline } from './harness.ts';
import { VirtualClock, type VirtualTime } from './virtual-clock.ts';
import { watchVirtually } from './virtual-watch.ts';

/** What the stream does with calls at present. */
export type Weather = 'fair' | 'flaky' | 'down';

/** Compression waits for this clock, so that nothing happens outside of virtual time. */
let compressing: { clock: VirtualClock; time: VirtualTime } | undefined;

Object.assign(FrameCompressor.prototype, {
  async compress(bytes: Uint8Array): Promise<Uint8Array> {
    const frame = compressFrame(bytes);
    if (compressing && compressing.time.random() < 0.1) await compressing.clock.sleep(30);
    return frame;
  },
});
watchVirtually();

/** An agent of a model run, in this process: it can be killed at any moment of virtual time. */
export class ModelAgent {
  readonly #time: VirtualTime;
  readonly #clock: VirtualClock;
  readonly #controller = new AbortController();
  readonly #done: Promise<boolean>;
  readonly #stateDir: string;
  readonly #onBlock: (block: Buffer) => void;
  #alive = true;
  #finished: boolean | undefined;
  #failure: unknown;
  weather: () => Weather;
  /** Virtual time of the start. */
  readonly startedAt: number;
  /** Virtual time when the outbox last had room again; undefined while it is full. */
  roomSince: number | undefined;
  /** Virtual time when it was last full. */
  fullAt = Number.POSITIVE_INFINITY;

  constructor(options: {
    /** Of the logs. */
    dir: string;
    stateDir: string;
    globs: string[];
    pollOnly: boolean;
    time: VirtualTime;
    weather(): Weather;
    onBlock(block: Buffer): void;
  }) {
    this.#time = options.time;
    this.#stateDir = options.stateDir;
    this.#onBlock = options.onBlock;
    this.weather = options.weather;
    this.#clock = new VirtualClock(options.time);
    this.startedAt = options.time.elapsedMs;
    this.roomSince = this.startedAt;
    compressing = { clock: this.#clock, time: options.time };
    const source = { paths: options.globs, partialFlushMs: 300, pollOnly: options.pollOnly };
    const output = { ...plainOutput, outboxBytes: 64 * 1024, requestsInFlightMax: 2 };
    const pipeline = testPipeline(options.dir, source, output);
    pipeline.system.stateDir = options.stateDir;
    this.#done = runAgent({
      pipeline,
      once: false,
      machineId: 'machine',
      clock: this.#clock,
      log: this.#logger(),
      listeners: new Listeners(),
      createClient: () => ({ putRecords: (records) => this.#put(records), close: () => {} }),
      signal: this.#controller.signal,
    });
    this.#done.then(
      (drained) => {
        this.#finished = drained;
      },
      (error: unknown) => {
        this.#failure = error;
      },
    );
  }

  /** Throws what ended the agent, if anything did. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#finished !== undefined && this.#alive) throw new Error('the agent ended by itself');
  }

  /** Stops cleanly; true when everything is acknowledged. */
  async stop(): Promise<boolean> {
    this.check();
    this.#controller.abort();
    for (let i = 0; this.#finished === undefined && this.#failure === undefined; i++) {
      if (i > 2_000) throw new Error('the agent does not stop');
      await this.#time.advance(20);
    }
    this.#alive = false;
    if (this.#failure !== undefined) throw this.#failure;
    return this.#finished === true;
  }

  /**
   * What a SIGKILL leaves: the state folder as it is now. What still runs is cut off from the stream and ends without
   * a trace.
   */
  async kill(): Promise<void> {
    this.check();
    this.#alive = false;
    const kept = `${this.#stateDir}.kept`;
    cpSync(this.#stateDir, kept, { recursive: true });
    this.#clock.kill();
    this.#controller.abort();
    await this.#done.catch(() => {});
    rmSync(this.#stateDir, { recursive: true });
    renameSync(kept, this.#stateDir);
  }

  async #put(records: StreamRecord[]): Promise<RecordOutcome[]> {
    const { random } = this.#time;
    if (!this.#alive) return records.map(() => ({ ok: true }));
    const weather = this.weather();
    const luck = weather === 'fair' ? 1 : random();
    const late = random() < 0.3;
    const wait = random() < 0.3 ? random() * 400 : 1;
    const refused = { ok: false, code: 'ProvisionedThroughputExceededException', message: '' } as const;
    const whole = weather === 'down' || luck < 0.2;
    const oks = records.map(() => weather !== 'down' && (luck > 0.5 || random() < 0.5));
    const store = () => {
      // A failed call may have stored its records all the same.
      for (const [i, { data }] of records.entries())
        if (this.#alive && (whole ? luck < 0.1 && weather !== 'down' : oks[i]))
          this.#onBlock(Buffer.from(data));
    };
    if (!late) store();
    await this.#clock.sleep(wait);
    if (!this.#alive) return records.map(() => ({ ok: true }));
    if (late) store();
    if (whole) throw new Error('socket hang up');
    return oks.map((ok) => (ok ? { ok } : refused));
  }

  #logger(): Logger {
    const take = ({ event }: { event?: string }) => {
      if (event === 'outbox_full') {
        this.roomSince = undefined;
        this.fullAt = this.#time.elapsedMs;
      }
      if (event === 'outbox_room') this.roomSince = this.#time.elapsedMs;
    };
    return { info: take, warn: take, error: take, debug: take } as unknown as Logger;
  }
}
