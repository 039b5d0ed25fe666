import type { Clock } from '@millrace/core/runtime/clock.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { startHealthServer } from '@millrace/core/telemetry/health-server.ts';
import type { Logger } from '@millrace/core/telemetry/log.ts';
import type { KinesisOutput, Pipeline, TailSource } from './config/pipeline.ts';
import { routeTag, tagOfPath } from './config/route.ts';
import { type AgentTelemetry, agentEvents } from './events.ts';
import { Lane } from './gather/lane.ts';
import { Shipper } from './ship/shipper.ts';
import type { StreamClient } from './ship/stream-client.ts';
import type { OutboxRow } from './state/database.ts';
import { Outbox, type OutboxBlock } from './state/outbox.ts';
import { FileFinder } from './tail/finder.ts';
import { Tailer } from './tail/tailer.ts';

export interface AgentOptions {
  pipeline: Pipeline;
  /** Ship everything to the end of the files, then end. */
  once: boolean;
  machineId: string;
  clock: Clock;
  log: Logger;
  createClient(output: KinesisOutput): StreamClient;
  /** Aborted to stop: everything read is shipped within the drain timeout. */
  signal: AbortSignal;
}

/** Blocks kept in memory beside their slots, and the most that waits there while the disk refuses writes. */
const memoryBytesMax = 16 * 1024 * 1024;
const diskRetryMs = 5_000;

/** Runs an agent until `signal`; true when everything that it read is acknowledged. */
export async function runAgent(options: AgentOptions): Promise<boolean> {
  const { pipeline, clock } = options;
  const telemetry = createTelemetry('agent', agentEvents, options.log);
  const { machineId } = options;
  const outbox = new Outbox({
    dir: pipeline.system.stateDir,
    outputs: pipeline.outputs,
    memoryBytesMax,
    machineId,
    clock,
    telemetry,
  });
  const { blocks, torn } = outbox.recover();
  const lanes = createLanes(options, outbox, blocks, telemetry);
  const tailer = createTailer(options, outbox, lanes, torn, telemetry);
  reportDoubts(outbox, torn, telemetry);
  const stopped = new AbortController();
  const stopAll = () => {
    stopped.abort();
    for (const lane of lanes) lane.shipper.stop();
  };
  exposeGauges(telemetry, tailer, outbox, lanes);
  try {
    const { http } = pipeline.system;
    const notReady = () => (outbox.degraded ? 'the position store cannot be written' : undefined);
    if (http) await startHealthServer({ ...http, metrics: () => telemetry.registry.metrics(), notReady });
    for (const { file, line, message } of pipeline.notices) {
      telemetry.emit('config_notice', { where: `${file}:${line}`, notice: message });
    }
    telemetry.emit('agent_started', {
      files: tailer.openFiles,
      blocks: outbox.pendingBlocks,
      once: options.once,
    });
    const shipping = Promise.all(lanes.map((lane) => lane.shipper.run()));
    const repairing = repairWrites(outbox, lanes, clock, stopped.signal);
    const drained = await tailAndDrain(options, tailer, lanes, outbox, telemetry);
    stopAll();
    await Promise.all([shipping, repairing]);
    if (drained) telemetry.emit('agent_stopped', { bytes: tailer.bytesRead });
    return drained;
  } finally {
    stopAll();
    tailer.close();
    outbox.close();
  }
}

function createLanes(
  options: AgentOptions,
  outbox: Outbox,
  blocks: OutboxBlock[],
  telemetry: AgentTelemetry,
): Lane[] {
  const { pipeline, clock } = options;
  const lanes = pipeline.outputs.map((output) => {
    const roomMade = () => {
      for (const lane of lanes) lane.roomMade();
    };
    const shipper = new Shipper(output, options.createClient(output), outbox, clock, telemetry, roomMade);
    const head = { host: pipeline.system.host, agent: outbox.agentId, stream: output.stream };
    return new Lane(shipper, head, outbox, clock, telemetry);
  });
  const [first] = lanes;
  for (const block of blocks) {
    // A block of an output that the configuration no longer has goes where the others go, rather than nowhere.
    const lane = lanes.find((item) => item.shipper.output.id === block.output) ?? first;
    lane?.shipper.add(block);
  }
  return lanes;
}

function reportDoubts(outbox: Outbox, torn: OutboxRow[], telemetry: AgentTelemetry): void {
  for (const row of torn) telemetry.emit('slot_torn', { block: row.blockId, runs: row.runs });
  if (outbox.suspicion === 'restored') telemetry.emit('store_restored');
  if (outbox.suspicion === 'cloned') telemetry.emit('machine_cloned');
}

function createTailer(
  options: AgentOptions,
  outbox: Outbox,
  lanes: Lane[],
  torn: OutboxRow[],
  telemetry: AgentTelemetry,
): Tailer {
  const { pipeline, clock, once } = options;
  const byTag = new Map<string, Lane | undefined>();
  const laneOf = (tag: string) => {
    if (!byTag.has(tag)) {
      const output = routeTag(pipeline, tag);
      byTag.set(
        tag,
        lanes.find((lane) => lane.shipper.output === output),
      );
    }
    return byTag.get(tag);
  };
  const tagOf = (source: TailSource, path: string) => {
    const tag = tagOfPath(source.tag, path);
    return laneOf(tag) === undefined ? undefined : tag;
  };
  const { sources } = pipeline;
  const finder = new FileFinder({ sources, tagOf, torn, outbox, clock, telemetry, fromHead: once });
  const tailer = new Tailer({ finder, laneOf, lanes, torn, outbox, clock, telemetry, once });
  for (const lane of lanes) lane.onReady(() => tailer.nudge());
  return tailer;
}

async function tailAndDrain(
  options: AgentOptions,
  tailer: Tailer,
  lanes: Lane[],
  outbox: Outbox,
  telemetry: AgentTelemetry,
): Promise<boolean> {
  const { clock, signal } = options;
  const drainMs = Math.max(...options.pipeline.outputs.map((output) => output.drainTimeoutMs));
  const finished = new AbortController();
  let late = false;
  const deadline = (async () => {
    if (!signal.aborted) await new Promise<void>((resolve) => finishOn([signal, finished.signal], resolve));
    if (finished.signal.aborted) return;
    tailer.stop();
    await clock.sleep(drainMs, finished.signal);
    if (finished.signal.aborted) return;
    late = true;
    tailer.abort();
    for (const lane of lanes) lane.abandon();
  })();
  await tailer.run();
  await Promise.all(lanes.map((lane) => lane.settled()));
  while (!late && outbox.pendingBlocks > 0) await clock.sleep(20, undefined);
  const left = outbox.pendingBlocks;
  finished.abort();
  await deadline;
  if (left > 0 || late) telemetry.emit('drain_deadline', { blocks: left, bytes: outbox.pendingBytes });
  return left === 0 && !late;
}

function finishOn(signals: AbortSignal[], resolve: () => void): void {
  for (const signal of signals) signal.addEventListener('abort', () => resolve(), { once: true });
}

async function repairWrites(outbox: Outbox, lanes: Lane[], clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(diskRetryMs, signal);
    if (outbox.retryWrites()) for (const lane of lanes) lane.roomMade();
  }
}

function exposeGauges(telemetry: AgentTelemetry, tailer: Tailer, outbox: Outbox, lanes: Lane[]): void {
  const { gauge } = telemetry;
  gauge('bytes_read_total', 'Bytes read from files.', () => tailer.bytesRead);
  gauge('open_files', 'Files being followed.', () => tailer.openFiles);
  gauge('lag_bytes', 'Bytes in followed files that are in no block yet.', () => tailer.lagBytes);
  gauge('outbox_bytes', 'Bytes of blocks that wait for an acknowledgement.', () => outbox.pendingBytes);
  gauge('outbox_blocks', 'Blocks that wait for an acknowledgement.', () => outbox.pendingBlocks);
  gauge('outbox_full', '1 while reading is stopped because the outbox is full.', () =>
    lanes.some((lane) => lane.full) ? 1 : 0,
  );
  gauge('state_unwritable_now', '1 while the position store or the outbox cannot be written.', () =>
    outbox.degraded ? 1 : 0,
  );
}
