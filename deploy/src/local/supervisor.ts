import { messageOf } from '@millrace/core/errors.ts';
import { type Backoff, backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { describeExit, type PartSpec, type RunningPart } from './process.ts';

/** Parts that start together once all stages before have served; `prepare` runs when they serve. */
export interface Stage {
  parts: PartSpec[];
  prepare?(): Promise<void>;
}

export type PartState = 'waiting' | 'starting' | 'ready' | 'restarting' | 'stopping' | 'stopped';

export interface PartStatus {
  name: string;
  state: PartState;
  pid: number | undefined;
  ports: number[];
  /** How often it was started again after it ended by itself. */
  restarts: number;
  /** When it last became ready, milliseconds since 1970; undefined while it is not. */
  readySince: number | undefined;
  /** Why it is not ready, where there is something to say. */
  note: string | undefined;
}

/** How parts are started and awaited; tests put fakes here. */
export interface Runner {
  start(spec: PartSpec): Promise<RunningPart>;
  waitReady(spec: PartSpec, part: RunningPart, signal: AbortSignal): Promise<void>;
}

export interface Supervisor {
  /** Starts all stages; rejects with the first part's error, and then everything is still to be stopped. */
  start(): Promise<void>;
  /** Stops the stages in reverse, each part within its grace. Idempotent. */
  stop(): Promise<void>;
  /** Kills everything at once. */
  kill(): void;
  status(): PartStatus[];
}

export interface SupervisorOptions {
  stages: Stage[];
  runner: Runner;
  clock: Clock;
  restart: Backoff;
  /** A part that served this long before it ended starts again from the first step of the backoff. */
  steadyMs: number;
  /** Called after every change of any part. */
  changed(): void;
}

interface Slot {
  spec: PartSpec;
  part: RunningPart | undefined;
  status: PartStatus;
  /** Failed starts in a row; chooses the step of the backoff. */
  attempt: number;
}

/** Runs the parts of one stack: starts them in stages, restarts what ends by itself, stops them in reverse. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { clock, runner } = options;
  const stopping = new AbortController();
  const stages = options.stages.map((stage) => ({ stage, slots: stage.parts.map(newSlot) }));
  const slots = stages.flatMap((stage) => stage.slots);
  const watches: Promise<void>[] = [];
  let stopped: Promise<void> | undefined;

  function change(slot: Slot, state: PartState, note?: string): void {
    slot.status.state = state;
    slot.status.note = note;
    slot.status.pid = slot.part?.pid;
    slot.status.readySince = state === 'ready' ? clock.now() : undefined;
    options.changed();
  }

  async function startSlot(slot: Slot): Promise<void> {
    change(slot, slot.status.restarts === 0 ? 'starting' : 'restarting');
    slot.part = await runner.start(slot.spec);
    if (stopping.signal.aborted) {
      // stop() went by while this process was being born; nobody else knows of it.
      slot.part.kill();
      return;
    }
    change(slot, slot.status.state);
    await runner.waitReady(slot.spec, slot.part, stopping.signal);
    if (!stopping.signal.aborted) change(slot, 'ready');
  }

  /** Restarts the part whenever it ends by itself, until the stack is stopped. */
  async function watch(slot: Slot): Promise<void> {
    while (!stopping.signal.aborted) {
      const exit = slot.part && (await slot.part.exited);
      if (stopping.signal.aborted) return;
      const served = slot.status.readySince === undefined ? 0 : clock.now() - slot.status.readySince;
      if (served >= options.steadyMs) slot.attempt = 0;
      slot.part = undefined;
      slot.status.restarts++;
      change(slot, 'restarting', exit ? describeExit(exit) : slot.status.note);
      await clock.sleep(backoffMs(options.restart, slot.attempt++, clock.random), stopping.signal);
      if (!stopping.signal.aborted) await restart(slot);
    }
  }

  async function restart(slot: Slot): Promise<void> {
    try {
      await startSlot(slot);
    } catch (error) {
      // It runs but does not serve: an end is what brings the next try.
      slot.part?.kill();
      change(slot, 'restarting', messageOf(error));
    }
  }

  async function stopSlot(slot: Slot): Promise<void> {
    if (slot.part !== undefined) {
      change(slot, 'stopping');
      await slot.part.stop();
      slot.part = undefined;
    }
    change(slot, 'stopped');
  }

  return {
    async start() {
      for (const { stage, slots: inStage } of stages) {
        await allOrFirstError(inStage.map(startSlot));
        if (stopping.signal.aborted) return;
        watches.push(...inStage.map(watch));
        await stage.prepare?.();
      }
    },
    stop() {
      stopping.abort();
      stopped ??= (async () => {
        for (const { slots: inStage } of stages.toReversed()) await Promise.all(inStage.map(stopSlot));
        await Promise.all(watches);
      })();
      return stopped;
    },
    kill() {
      stopping.abort();
      for (const slot of slots) slot.part?.kill();
    },
    status: () => slots.map((slot) => ({ ...slot.status })),
  };
}

function newSlot(spec: PartSpec): Slot {
  const status: PartStatus = {
    name: spec.name,
    state: 'waiting',
    pid: undefined,
    ports: spec.ports,
    restarts: 0,
    readySince: undefined,
    note: undefined,
  };
  return { spec, part: undefined, status, attempt: 0 };
}

/** Waits for all; rejects at once with the first error, and the others' errors are not lost as unhandled. */
async function allOrFirstError(tasks: Promise<void>[]): Promise<void> {
  for (const task of tasks) task.catch(() => undefined);
  await Promise.all(tasks);
}
