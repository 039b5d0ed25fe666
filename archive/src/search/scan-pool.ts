import { Worker } from 'node:worker_threads';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { KnownCorrection } from '../corrections/corrections.ts';
import type { ScanRequest } from './block-scanner.ts';
import { type ScanAnswer, type ScanBlock, type ScanMessage, shared } from './scan-worker.ts';

export interface ScanPoolOptions {
  /** Threads; each holds some tens of MB while it works. */
  workers: number;
  /** A task without an answer after this time hangs, milliseconds. */
  taskMsMax: number;
  /** JavaScript's memory of one thread, bytes. */
  memoryBytesMax: number;
  clock: Clock;
}

/** Some blocks of one object; their bytes stay as they are until it is done. */
export interface ScanTask {
  blocks: ScanBlock[];
  bytes: Uint8Array;
  corrections: KnownCorrection[];
}

/** `stuck`: the number of the block that a thread did not come back from, or that it died of. */
export type ScanOutcome = { answer: ScanAnswer } | { stuck: number; error: string };

interface Queued {
  run(thread: Thread): Promise<void>;
  fail(error: unknown): void;
}

/** One search's way to the threads. */
export interface ScanLane {
  /** @throws MillraceError DEADLINE after `close` */
  scan(task: ScanTask): Promise<ScanOutcome>;
  /** What waits is forgotten, what runs ends after the block it is at. */
  close(): void;
}

/** Threads that look for searches' hits in blocks, in turns of the searches. */
export class ScanPool {
  readonly #options: ScanPoolOptions;
  readonly #idle: Thread[] = [];
  readonly #all = new Set<Thread>();
  /** Searches with something to do, the next one first. */
  readonly #waiting = new Map<ScanLane, Queued[]>();
  readonly #memories: Uint8Array[] = [];
  #searches = 0;
  #tasks = 0;
  #closed = false;

  constructor(options: ScanPoolOptions) {
    this.#options = options;
  }

  get workers(): number {
    return this.#options.workers;
  }

  /** Tasks that wait for a thread. */
  get queued(): number {
    let tasks = 0;
    for (const queue of this.#waiting.values()) tasks += queue.length;
    return tasks;
  }

  /** Threads at work. */
  get busy(): number {
    return this.#all.size - this.#idle.length;
  }

  lane(request: ScanRequest): ScanLane {
    const search = ++this.#searches;
    const running = new Set<() => void>();
    let closed = false;
    const start = async (thread: Thread, task: ScanTask): Promise<ScanOutcome> => {
      this.#tasks = (this.#tasks + 1) & 0x7fff_ffff;
      const number = this.#tasks;
      const cancel = () => thread.cancel(number);
      running.add(cancel);
      try {
        return await thread.run({ task: number, search, request, ...transferable(task) });
      } finally {
        running.delete(cancel);
      }
    };
    const lane: ScanLane = {
      scan: (task) =>
        new Promise((settle, fail) => {
          if (closed || this.#closed) return fail(ended());
          const queue = this.#waiting.get(lane) ?? [];
          queue.push({ fail, run: (thread) => start(thread, task).then(settle, fail) });
          this.#waiting.set(lane, queue);
          this.#next();
        }),
      close: () => {
        closed = true;
        for (const { fail } of this.#waiting.get(lane) ?? []) fail(ended());
        this.#waiting.delete(lane);
        for (const cancel of running) cancel();
      },
    };
    return lane;
  }

  /** Memory for `bytes` bytes that threads share, to be given back with `release`: made once, not for each read. */
  memory(bytes: number): Uint8Array {
    const at = this.#memories.findIndex((memory) => memory.length >= bytes);
    if (at >= 0) return this.#memories.splice(at, 1)[0] as Uint8Array;
    // Of one size each, so that the next one can use it.
    const size = Math.ceil(bytes / memoryStep) * memoryStep;
    return new Uint8Array(new SharedArrayBuffer(size));
  }

  release(memory: Uint8Array): void {
    if (this.#memories.length < this.#options.workers * 2 + 2) this.#memories.push(memory);
  }

  /** Ends all threads. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const queue of this.#waiting.values()) for (const { fail } of queue) fail(ended());
    this.#waiting.clear();
    await Promise.all([...this.#all].map((thread) => thread.end()));
  }

  #next(): void {
    for (const [lane, queue] of this.#waiting) {
      const thread = this.#living() ?? this.#open();
      if (thread === undefined) return;
      const queued = queue.shift();
      // To the end of the line: who asks for much does not make others wait.
      this.#waiting.delete(lane);
      if (queue.length > 0) this.#waiting.set(lane, queue);
      if (queued === undefined) this.#idle.push(thread);
      else void queued.run(thread).then(() => this.#free(thread));
    }
  }

  #free(thread: Thread): void {
    if (thread.alive) this.#idle.push(thread);
    else this.#all.delete(thread);
    this.#next();
  }

  /** An idle thread; one that ended while it had nothing to do is forgotten. */
  #living(): Thread | undefined {
    for (let thread = this.#idle.pop(); thread !== undefined; thread = this.#idle.pop()) {
      if (thread.alive) return thread;
      this.#all.delete(thread);
    }
    return undefined;
  }

  #open(): Thread | undefined {
    if (this.#closed || this.#all.size >= this.#options.workers) return undefined;
    const thread = new Thread(this.#options);
    this.#all.add(thread);
    return thread;
  }
}

/** Shared memory is shared, of other memory a copy goes to the thread. */
function transferable({
  blocks,
  bytes,
  corrections,
}: ScanTask): Pick<ScanMessage, 'blocks' | 'bytes' | 'corrections'> {
  const shares = bytes.buffer instanceof SharedArrayBuffer;
  return { blocks, bytes: shares ? bytes : new Uint8Array(bytes), corrections };
}

function ended(): MillraceError {
  return new MillraceError('DEADLINE', 'the search of the archive was ended');
}

const memoryStep = 1024 * 1024;

/** One worker thread, which does one task at a time. */
class Thread {
  readonly #worker: Worker;
  readonly #state: Int32Array;
  readonly #options: ScanPoolOptions;
  #settle: ((outcome: ScanOutcome) => void) | undefined;
  alive = true;

  constructor(options: ScanPoolOptions) {
    this.#options = options;
    const state = new SharedArrayBuffer(shared.length * Int32Array.BYTES_PER_ELEMENT);
    this.#state = new Int32Array(state);
    this.#worker = new Worker(new URL('scan-worker.ts', import.meta.url), {
      workerData: state,
      resourceLimits: { maxOldGenerationSizeMb: Math.ceil(options.memoryBytesMax / 2 ** 20) },
    });
    // Nothing that a search left behind keeps the process.
    this.#worker.unref();
    this.#worker.on('message', (answer: ScanAnswer) => this.#settle?.({ answer }));
    this.#worker.on('error', (error) => this.#died(messageOf(error)));
    this.#worker.on('exit', () => this.#died('its thread ended'));
  }

  async run(message: ScanMessage): Promise<ScanOutcome> {
    const watch = new AbortController();
    const { clock, taskMsMax } = this.#options;
    Atomics.store(this.#state, shared.block, 0);
    const outcome = new Promise<ScanOutcome>((resolve) => {
      this.#settle = resolve;
      this.#worker.ref();
      this.#worker.postMessage(message);
    });
    const late = clock.sleep(taskMsMax, watch.signal).then(() => {
      if (!watch.signal.aborted) this.#died(`no answer within ${taskMsMax} ms`);
      return outcome;
    });
    try {
      return await Promise.race([outcome, late]);
    } finally {
      this.#settle = undefined;
      this.#worker.unref();
      watch.abort();
    }
  }

  cancel(task: number): void {
    Atomics.store(this.#state, shared.cancelled, task);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #died(error: string): void {
    this.#settle?.({ stuck: Atomics.load(this.#state, shared.block), error });
    if (!this.alive) return;
    this.alive = false;
    void this.#worker.terminate();
  }
}
