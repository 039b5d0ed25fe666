import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import { type Backoff, backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { ConsumerTelemetry } from '../events.ts';
import type { Hanging } from './block-watch.ts';
import { clearPid, recordPid } from './orphan.ts';
import type { ShardMetrics } from './shard-metrics.ts';

export interface DaemonOptions {
  bin: string;
  args: string[];
  /** Working folder: the state folder, where launcher and pid file lie. */
  folder: string;
  env: NodeJS.ProcessEnv;
  clock: Clock;
  telemetry: ConsumerTelemetry;
  shards: Pick<ShardMetrics, 'anyAlive' | 'crashed' | 'hung' | 'pids' | 'clear'>;
  /** Shards' processes that do not come back from a record. */
  hanging(): Hanging[];
  /** How long a stop may take before the JVM is killed. */
  stopMsMax: number;
  /** Each line that the JVM or a shard's process logs. */
  onLine(line: string): void;
}

const restarts: Backoff = { baseMs: 1_000, maxMs: 30_000 };
/** A JVM that ran this long was well: the next restart comes at once. */
const healthyMs = 60_000;
const stopPollMs = 200;
const watchMs = 500;
/** By then the JVM has asked its shards to finish. */
const askedMs = 2_000;
/** By then a shard's process has noticed that its input has ended, unless it hangs. */
const leaveMs = 3_000;

/** Keeps one MultiLangDaemon running: restarted with backoff when it exits, gracefully stopped. */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #stop = new AbortController();
  #child: ChildProcess | undefined;
  #startedMs = 0;

  constructor(options: DaemonOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Milliseconds since the JVM was started; 0 while there is none. */
  get upMs(): number {
    return this.#child === undefined ? 0 : this.#options.clock.monotonic() - this.#startedMs;
  }

  /** Resolves after `stop`. @throws MillraceError ENGINE_MISSING when java cannot be started at all */
  async run(): Promise<void> {
    const { clock, telemetry } = this.#options;
    for (let attempt = 0; !this.#stop.signal.aborted; attempt++) {
      const exit = await this.#runOnce();
      if (this.#stop.signal.aborted) return;
      if (clock.monotonic() - this.#startedMs > healthyMs) attempt = 0;
      telemetry.emit('daemon_exited', exit);
      await clock.sleep(backoffMs(restarts, attempt, clock.random), this.#stop.signal);
    }
  }

  /**
   * SIGTERM to the JVM: it asks the shards to finish. They leave that to it, but let go of a call that waits (for the
   * store, for S3), as the JVM asks between two calls only. When they have ended, nothing is
   * left for it to do, yet it sleeps until the failover time is over (KCL 2.7, "forcing shutdown"): it is killed
   * then, or when it takes too long.
   */
  async stop(): Promise<void> {
    this.#stop.abort();
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const { clock, telemetry, stopMsMax, shards } = this.#options;
    let exited = false;
    const exit = once(child, 'exit').then(() => {
      exited = true;
    });
    const startMs = clock.monotonic();
    child.kill('SIGTERM');
    for (const pid of shards.pids()) signal(pid, 'SIGTERM');
    for (;;) {
      await Promise.race([exit, clock.sleep(stopPollMs)]);
      if (exited) return;
      const tookMs = clock.monotonic() - startMs;
      if (tookMs >= stopMsMax) telemetry.emit('daemon_killed', { daemon_pid: child.pid });
      else if (tookMs < askedMs || shards.anyAlive()) continue;
      child.kill('SIGKILL');
      return exit;
    }
  }

  async #runOnce(): Promise<{ code: number | null; signal: string | null }> {
    const { bin, args, folder, env, clock, telemetry, shards, onLine } = this.#options;
    const child = spawn(bin, args, {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#startedMs = clock.monotonic();
    readLines(child.stdout, onLine);
    readLines(child.stderr, onLine);
    try {
      await once(child, 'spawn').catch((cause: unknown) => {
        // Nothing would be better at the next try.
        throw new MillraceError('ENGINE_MISSING', `java cannot be started: ${messageOf(cause)}`, {
          cause,
          hint: 'java.bin is the path of a Java of version 21 or newer',
        });
      });
      recordPid(folder, child.pid ?? 0);
      telemetry.emit('daemon_started', { daemon_pid: child.pid });
      this.#watchShards(child).catch((error: unknown) => child.emit('error', error));
      // Not `exit`: the last lines of the old daemon's shards must not be taken for the next one's.
      const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
      return { code, signal };
    } finally {
      // One that goes on without being known would share its worker id with the next.
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        child.kill('SIGKILL');
      await this.#endShards();
      shards.clear();
      this.#child = undefined;
      clearPid(folder);
    }
  }

  /**
   * A shard's process that fails makes the JVM exit, but that waits shutdownGraceMillis for the very thread that is
   * exiting. Nothing good comes of waiting: the next JVM goes on from the checkpoints.
   */
  async #watchShards(child: ChildProcess): Promise<void> {
    const { clock, shards, telemetry } = this.#options;
    let suspect: string | undefined;
    while (this.#child === child && !this.#stop.signal.aborted) {
      await clock.sleep(watchMs, this.#stop.signal);
      this.#stopHanging();
      const crashed = shards.crashed();
      // Twice in a row: its word that it leaves may be on the way.
      if (crashed !== undefined && crashed === suspect && this.#child === child) {
        telemetry.emit('shard_crashed', { shard: crashed });
        child.kill('SIGKILL');
        return;
      }
      suspect = crashed;
    }
  }

  /** A process that hangs answers nobody: it is killed, and what it hung at is known to the next one by its note. */
  #stopHanging(): void {
    const { shards, hanging, telemetry } = this.#options;
    for (const { shard, pid, record, deaths } of hanging()) {
      telemetry.emit('block_hung', { shard, pid, record, deaths });
      signal(pid, 'SIGKILL');
    }
    const hung = shards.hung();
    if (hung === undefined) return;
    telemetry.emit('shard_hung', hung);
    signal(hung.pid, 'SIGKILL');
  }

  /** Without a JVM the shards' processes end by themselves; one that hangs would stay for ever. */
  async #endShards(): Promise<void> {
    const { clock, shards } = this.#options;
    for (let waitedMs = 0; waitedMs < leaveMs && shards.pids().length > 0; waitedMs += stopPollMs) {
      await clock.sleep(stopPollMs);
    }
    for (const pid of shards.pids()) signal(pid, 'SIGKILL');
  }
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended meanwhile.
  }
}

function readLines(stream: Readable, onLine: (line: string) => void): void {
  const lines = createInterface({ input: stream });
  lines.on('line', onLine);
}
