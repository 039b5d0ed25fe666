import type { Clock } from '@millrace/core/runtime/clock.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import type { Logger } from '@millrace/core/telemetry/log.ts';
import type { KinesisOutput, Pipeline } from './config/pipeline.ts';
import { type AgentTelemetry, agentEvents } from './events.ts';
import { PushGatherer } from './gather/intake.ts';
import type { Lane } from './gather/lane.ts';
import { Lanes } from './gather/lanes.ts';
import type { Input } from './input/input.ts';
import type { Listeners } from './input/listeners.ts';
import type { Governor } from './operate/governor.ts';
import { createGovernor, startOperations } from './operate/operations.ts';
import { Sightings } from './operate/sightings.ts';
import type { Sender, SenderContext } from './ship/sender.ts';
import type { StreamClient } from './ship/stream-client.ts';
import type { OutboxRow } from './state/database.ts';
import { Outbox, type OutboxBlock } from './state/outbox.ts';
import { type DrainReport, type Ending, isHandover, runAndDrain, type SpillRun } from './stopping.ts';
import { createTailer } from './tail/create.ts';
import type { SeenGeneration } from './tail/status.ts';
import type { Tailer } from './tail/tailer.ts';

export interface AgentOptions {
  pipeline: Pipeline;
  /** Ship everything to the end of the files, then end. */
  once: boolean;
  machineId: string;
  clock: Clock;
  log: Logger;
  createClient(output: KinesisOutput): StreamClient;
  /** Sockets that outlive this run. */
  listeners: Listeners;
  /** Aborted to end the run; the reason says how: StopRequest. */
  signal: AbortSignal;
  /** The run before it handed over just now, so that files it did not know have appeared since. */
  resumed?: boolean;
  /** Everything runs: events are taken, files are looked for. */
  onStarted?(): Promise<void>;
  onEnd?(report: DrainReport): void;
}

/** The most that waits in memory while the disk refuses writes. */
const memoryBytesMax = 16 * 1024 * 1024;
const diskRetryMs = 5_000;

/** The parts of a running agent. */
interface Parts {
  outbox: Outbox;
  senders: Map<string, Sender>;
  context: SenderContext;
  lanes: { files: Lanes; pushed: Lanes };
  tailer: Tailer;
  gatherer: PushGatherer;
  inputs: Input[];
  governor: Governor | undefined;
  sightings: Sightings;
}

/** Runs an agent until `signal`; true when everything that it read is acknowledged (or handed over). */
export async function runAgent(options: AgentOptions): Promise<boolean> {
  const { pipeline, clock, machineId, signal } = options;
  const telemetry = createTelemetry('agent', agentEvents, options.log);
  const { stateDir: dir } = pipeline.system;
  const outbox = new Outbox({
    dir,
    outputs: pipeline.outputs,
    memoryBytesMax,
    machineId,
    clock,
    telemetry,
  });
  const stopped = new AbortController();
  let parts: Parts | undefined;
  let operations: Awaited<ReturnType<typeof startOperations>> | undefined;
  const stopAll = () => {
    stopped.abort();
    for (const sender of parts?.senders.values() ?? []) sender.stop();
  };
  try {
    const { blocks, torn } = outbox.recover();
    parts = await createParts(options, outbox, blocks, torn, telemetry);
    const { tailer, senders, inputs } = parts;
    reportDoubts(outbox, torn, telemetry);
    operations = await startOperations({ ...parts, ...options, telemetry, lanes: lanesOf(parts) });
    for (const { file, line, message } of pipeline.notices) {
      telemetry.emit('config_notice', { where: `${file}:${line}`, notice: message });
    }
    for (const input of inputs) await input.start();
    await options.onStarted?.();
    const { once } = options;
    telemetry.emit('agent_started', { files: tailer.openFiles, blocks: outbox.pendingBlocks, once });
    const shipping = Promise.all([...senders.values()].map((sender) => sender.run()));
    const repairing = repairWrites(parts, clock, stopped.signal);
    const reserving = outbox.reserve(stopped.signal);
    const operating = operations.run(stopped.signal);
    const report = await runAndDrain(endingOf(options, parts, telemetry));
    stopAll();
    // A call that hangs is waited for after this: it holds nothing that is not delivered, or left in the outbox.
    options.onEnd?.(report);
    await Promise.all([shipping, repairing, reserving, operating]);
    if (isHandover(signal)) return true;
    if (report.drained) telemetry.emit('agent_stopped', { bytes: tailer.bytesRead });
    return report.drained;
  } finally {
    stopAll();
    operations?.close();
    parts?.gatherer.abandon();
    await Promise.all(parts?.inputs.map((input) => input.stop()) ?? []);
    parts?.tailer.close();
    outbox.close();
  }
}

async function createParts(
  options: AgentOptions,
  outbox: Outbox,
  blocks: OutboxBlock[],
  torn: OutboxRow[],
  telemetry: AgentTelemetry,
): Promise<Parts> {
  const { pipeline, clock, createClient, once, resumed = false } = options;
  const senders = new Map<string, Sender>();
  const onAcknowledged = () => {
    for (const lane of [...files.all(), ...pushed.all()]) lane.roomMade();
  };
  const context = { outbox, clock, telemetry, onAcknowledged, createClient };
  for (const output of pipeline.outputs) {
    if (output.outboxBytes === 0) continue;
    senders.set(output.id, output.createSender(context));
  }
  const [first] = senders.values();
  // A block of an output that the configuration no longer has goes where the others go, rather than nowhere.
  for (const block of blocks) (senders.get(block.output) ?? first)?.add(block);
  const files = new Lanes(pipeline, senders, outbox, clock, telemetry, () => tailer.nudge());
  const pushed = new Lanes(pipeline, senders, outbox, clock, telemetry, () => gatherer.nudge());
  const governor = createGovernor(pipeline, clock, telemetry, () => gatherer.memoryReleased());
  const sightings = createSightings(options, outbox, senders, telemetry, () => tailer.seen());
  const tailer = createTailer({
    pipeline,
    lanes: files,
    torn,
    outbox,
    clock,
    telemetry,
    once,
    resumed,
    governor,
    witness: sightings,
  });
  const gatherer = new PushGatherer(pushed, outbox, clock, telemetry, governor);
  const { host } = pipeline.system;
  const { listeners } = options;
  const inputs = await Promise.all(
    pipeline.inputs.map((source) =>
      source.create({ intake: gatherer.intakeOf(source), listeners, host, once, clock, telemetry }),
    ),
  );
  return {
    outbox,
    senders,
    context,
    lanes: { files, pushed },
    tailer,
    gatherer,
    inputs,
    governor,
    sightings,
  };
}

function createSightings(
  { pipeline, clock }: AgentOptions,
  outbox: Outbox,
  senders: ReadonlyMap<string, Sender>,
  telemetry: AgentTelemetry,
  files: () => SeenGeneration[],
): Sightings {
  const { host, operating } = pipeline.system;
  return new Sightings({
    outputs: pipeline.outputs.filter(({ takesSightings }) => takesSightings),
    host,
    heartbeatMs: operating?.heartbeatMs ?? 0,
    outbox,
    senders,
    files,
    clock,
    telemetry,
  });
}

function lanesOf({ lanes }: Parts): () => Lane[] {
  return () => [...lanes.files.all(), ...lanes.pushed.all()];
}

function reportDoubts(outbox: Outbox, torn: OutboxRow[], telemetry: AgentTelemetry): void {
  for (const row of torn) telemetry.emit('slot_torn', { block: row.blockId, runs: row.runs });
  if (outbox.suspicion === 'restored') telemetry.emit('store_restored');
  if (outbox.suspicion === 'cloned') telemetry.emit('machine_cloned');
}

function endingOf(options: AgentOptions, parts: Parts, telemetry: AgentTelemetry): Ending {
  const { pipeline, once, signal, clock } = options;
  const { tailer, gatherer, inputs, outbox, sightings } = parts;
  return {
    pipeline,
    once,
    signal,
    clock,
    telemetry,
    tailer,
    gatherer,
    inputs,
    outbox,
    sightings,
    lanes: lanesOf(parts),
    spill: () => spillInstead(pipeline, parts),
  };
}

/** From now on blocks go to the archive, where an output has a `<spill>`: those that are there and those that come. */
function spillInstead(pipeline: Pipeline, { senders, context, outbox }: Parts): SpillRun | undefined {
  const spilling: SpillRun['senders'] = [];
  const first = pipeline.outputs.find(({ outboxBytes }) => outboxBytes > 0);
  for (const output of pipeline.outputs) {
    const spill = output.createSpill?.(context);
    if (spill === undefined) continue;
    senders.get(output.id)?.stop();
    senders.set(output.id, spill);
    for (const block of outbox.blocksOf(output.id)) spill.add(block);
    // The first one's has taken over those of outputs that the configuration no longer has.
    if (output.id === first?.id)
      for (const [id] of outbox.deliveries.all())
        if (!senders.has(id)) for (const block of outbox.blocksOf(id)) spill.add(block);
    spilling.push(spill);
  }
  return spilling.length > 0 ? { senders: spilling } : undefined;
}

async function repairWrites(parts: Parts, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(diskRetryMs, signal);
    if (parts.outbox.retryWrites()) for (const lane of lanesOf(parts)()) lane.roomMade();
  }
}
