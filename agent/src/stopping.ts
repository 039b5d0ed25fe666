import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Pipeline } from './config/pipeline.ts';
import type { AgentTelemetry } from './events.ts';
import type { PushGatherer } from './gather/intake.ts';
import type { Lane } from './gather/lane.ts';
import type { Input } from './input/input.ts';
import type { Sightings } from './operate/sightings.ts';
import type { Sender } from './ship/sender.ts';
import type { Outbox } from './state/outbox.ts';
import type { Tailer } from './tail/tailer.ts';

/**
 * How a run is to end, as the reason of its signal. Any other reason is a plain stop: everything present is read and
 * shipped within the outputs' drain_timeout.
 */
export type StopRequest =
  /** As soon as what is read is in the outbox, at the ends of records: the next run goes on from there. */
  | { kind: 'handover' }
  /** As a stop, within this time; then what is left goes to the archive where an output has a `<spill>`. */
  | { kind: 'drain'; deadlineMs: number };

/** How a run has ended. */
export interface DrainReport {
  /** Everything read is delivered, and everything is read. */
  drained: boolean;
  blocksLeft: number;
  bytesLeft: number;
  /** Bytes of followed files that are in no block. */
  unreadBytes: number;
  spilledObjects: number;
}

/** What a run consists of, as far as its end is concerned. */
export interface Ending {
  pipeline: Pipeline;
  /** It ends by itself when files and inputs have come to their ends. */
  once: boolean;
  signal: AbortSignal;
  clock: Clock;
  telemetry: AgentTelemetry;
  tailer: Tailer;
  gatherer: PushGatherer;
  inputs: Input[];
  outbox: Outbox;
  sightings: Pick<Sightings, 'end'>;
  lanes(): Lane[];
  /** Replaces senders by uploads to the archive, where an output has them; what there is of them. */
  spill(): SpillRun | undefined;
}

/** Uploads under way in place of the stream. */
export interface SpillRun {
  senders: (Sender & { readonly objects: number })[];
}

/** Longest time that a handover waits for room in the outbox; what finds none is read again. */
const handoverMs = 5_000;
/** Uploads to the archive are given up when none has succeeded for this long. */
const spillMs = 60_000;

export function isHandover(signal: AbortSignal): boolean {
  return signal.aborted && (signal.reason as StopRequest | undefined)?.kind === 'handover';
}

/** Runs until the signal (or, with `once`, to the ends of the files), then until everything taken is delivered. */
export async function runAndDrain(run: Ending): Promise<DrainReport> {
  const { clock, signal, telemetry, tailer, gatherer, outbox, lanes } = run;
  const finished = new AbortController();
  const state = { late: false, spilling: undefined as SpillRun | undefined };
  const deadline = watchDeadline(run, finished.signal, state);
  const gathering = gatherer.run();
  await tailer.run();
  // Inputs that come to no end are not waited for.
  if (run.once)
    await Promise.race([
      aborted([signal]),
      Promise.all(run.inputs.flatMap(({ finished: end }) => end ?? [])),
    ]);
  await Promise.all(run.inputs.map((input) => input.stop()));
  gatherer.stop();
  await gathering;
  await Promise.all(lanes().map((lane) => lane.settled()));
  if (!isHandover(signal) && !state.late) run.sightings.end();
  while (!state.late && !isHandover(signal) && outbox.pendingBlocks > 0) await clock.sleep(20);
  const blocksLeft = outbox.pendingBlocks;
  finished.abort();
  await deadline;
  const spilledObjects = state.spilling?.senders.reduce((sum, { objects }) => sum + objects, 0) ?? 0;
  const drained = blocksLeft === 0 && !state.late;
  const { pendingBytes: bytesLeft } = outbox;
  const unreadBytes = state.late ? tailer.lagBytes : 0;
  const report = { drained, blocksLeft, bytesLeft, unreadBytes, spilledObjects };
  if (isHandover(signal)) telemetry.emit('agent_handed_over', { blocks: blocksLeft });
  else if (!drained) telemetry.emit('drain_deadline', { ...report, blocks: blocksLeft, bytes: bytesLeft });
  return report;
}

/** From the stop on: gives up at the deadline, or uploads what is left and gives up later. */
async function watchDeadline(
  run: Ending,
  finished: AbortSignal,
  state: { late: boolean; spilling: SpillRun | undefined },
): Promise<void> {
  const { clock, signal, tailer, gatherer } = run;
  await aborted([signal, finished]);
  if (finished.aborted) return;
  tailer.stop(passOf(signal));
  // Nobody's events are taken that could not be delivered any more.
  const stopped = Promise.all(run.inputs.map((input) => input.stop()));
  await clock.sleep(deadlineOf(run), finished);
  // An agent that is only stopped starts again, and has its outbox still.
  if (!finished.aborted && passOf(signal) === 'drain') {
    state.spilling = run.spill();
    const shipping = state.spilling?.senders.map((sender) => sender.run()) ?? [];
    if (state.spilling) await spillProgress(state.spilling, clock, finished);
    for (const sender of state.spilling?.senders ?? []) sender.stop();
    await Promise.all(shipping);
  }
  if (!finished.aborted) {
    state.late = true;
    tailer.abort();
    for (const lane of run.lanes()) lane.abandon();
    gatherer.abandon();
  }
  await stopped;
}

/** Until the uploads are no longer getting anywhere. */
async function spillProgress({ senders }: SpillRun, clock: Clock, finished: AbortSignal): Promise<void> {
  const count = () => senders.reduce((sum, { objects }) => sum + objects, 0);
  for (let before = -1; before !== count() && !finished.aborted; ) {
    before = count();
    await clock.sleep(spillMs, finished);
  }
}

function passOf(signal: AbortSignal): 'final' | 'drain' | 'handover' {
  const request = signal.reason as StopRequest | undefined;
  return request?.kind === 'handover' || request?.kind === 'drain' ? request.kind : 'final';
}

function deadlineOf({ pipeline, signal }: Ending): number {
  const request = signal.reason as StopRequest | undefined;
  if (request?.kind === 'handover') return handoverMs;
  if (request?.kind === 'drain') return request.deadlineMs;
  return Math.max(0, ...pipeline.outputs.map((output) => output.drainTimeoutMs));
}

async function aborted(signals: AbortSignal[]): Promise<void> {
  if (signals.some((signal) => signal.aborted)) return;
  await new Promise<void>((resolve) => {
    for (const signal of signals) signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
