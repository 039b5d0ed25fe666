import { messageOf } from '@millrace/core/errors.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { type AgentOptions, runAgent } from './agent.ts';
import type { Pipeline } from './config/pipeline.ts';
import { startControlServer } from './control/server.ts';
import { agentEvents } from './events.ts';
import { Listeners } from './input/listeners.ts';
import { type DrainReport, isHandover, type StopRequest } from './stopping.ts';

export interface RunOptions extends Pick<AgentOptions, 'once' | 'machineId' | 'createClient'> {
  /** Reads and compiles the configuration. @throws MillraceError CONFIG_INVALID */
  load(): Pipeline;
  /** SIGTERM and SIGINT stop, SIGHUP reads the configuration again. */
  onSignal(handler: (signal: 'stop' | 'reload') => void): void;
}

/**
 * Runs an agent until it is told to stop; a reload hands its state over to a run with the new configuration. A new
 * configuration that is wrong, or cannot be started, leaves the old one running.
 */
export async function runUntilStopped(options: RunOptions): Promise<boolean> {
  const runs = new Runs(options);
  options.onSignal((signal) => (signal === 'stop' ? runs.stop(undefined) : runs.reload()));
  return runs.run().finally(() => runs.close());
}

/** One run after another on the same state. */
class Runs {
  readonly #options: RunOptions;
  readonly #listeners = new Listeners();
  readonly #ended = Promise.withResolvers<DrainReport>();
  #pipeline: Pipeline;
  /** Ran before, and is run again when the present one cannot be started. */
  #last: Pipeline | undefined;
  /** Takes over when the present run has ended. */
  #next: Pipeline | undefined;
  #stop: { request: StopRequest | undefined } | undefined;
  #controller = new AbortController();

  constructor(options: RunOptions) {
    this.#options = options;
    this.#pipeline = options.load();
    // Where nobody drains it.
    this.#ended.promise.catch(() => {});
  }

  stop(request: StopRequest | undefined): void {
    this.#stop ??= { request };
    this.#controller.abort(request);
  }

  /** What is wrong with the new configuration; undefined when it is taken. */
  reload(): string | undefined {
    if (this.#stop) return 'the agent is stopping';
    try {
      const next = this.#options.load();
      assertSameState(this.#pipeline, next);
      this.#next = next;
      this.#controller.abort({ kind: 'handover' } satisfies StopRequest);
      return undefined;
    } catch (error) {
      refuse(this.#pipeline, error);
      return messageOf(error);
    }
  }

  /** Sockets that are left, which would keep the process. */
  close(): void {
    this.#listeners.closeUnused();
  }

  async run(): Promise<boolean> {
    try {
      for (let resumed = false; ; resumed = true) {
        const drained = await this.#once(resumed);
        if (drained !== undefined) return drained;
        if (this.#next === undefined) continue;
        this.#last = this.#pipeline;
        this.#pipeline = this.#next;
        this.#next = undefined;
      }
    } catch (error) {
      this.#ended.reject(error);
      throw error;
    }
  }

  /** Undefined when another run is to follow: this one has handed over, or could not start. */
  async #once(resumed: boolean): Promise<boolean | undefined> {
    const pipeline = this.#pipeline;
    const { once, machineId, createClient } = this.#options;
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    // What was asked for while the run before this one was ending.
    if (this.#stop) this.#controller.abort(this.#stop.request);
    let control: Awaited<ReturnType<typeof startControlServer>>;
    try {
      const drained = await runAgent({
        pipeline,
        once,
        machineId,
        createClient,
        resumed,
        signal,
        clock: systemClock,
        listeners: this.#listeners,
        log: log(pipeline),
        onStarted: async () => {
          this.#last = undefined;
          this.#listeners.closeUnused();
          control = await startControlServer(pipeline.system.stateDir, {
            drain: (deadlineMs) => this.#drain(deadlineMs),
            reload: () => this.reload(),
          });
        },
        onEnd: (report) => {
          if (!isHandover(signal)) this.#ended.resolve(report);
        },
      });
      return isHandover(signal) ? undefined : drained;
    } catch (error) {
      const last = this.#last;
      if (last === undefined) throw error;
      refuse(last, error);
      this.#pipeline = last;
      this.#last = undefined;
      return undefined;
    } finally {
      control?.close();
    }
  }

  #drain(deadlineMs: number): Promise<DrainReport> {
    this.stop({ kind: 'drain', deadlineMs });
    return this.#ended.promise;
  }
}

function assertSameState(before: Pipeline, after: Pipeline): void {
  if (before.system.stateDir === after.system.stateDir) return;
  throw new Error(
    `state_dir: ${before.system.stateDir} cannot become ${after.system.stateDir} without a restart`,
  );
}

function refuse(pipeline: Pipeline, error: unknown): void {
  log(pipeline).error(
    { event: 'config_refused', error: messageOf(error) },
    agentEvents.config_refused.message,
  );
}

function log({ system }: Pipeline) {
  return createLogger('agent', system.logLevel);
}
