import type { Clock } from '@millrace/core/runtime/clock.ts';
import { startHealthServer } from '@millrace/core/telemetry/health-server.ts';
import type { Pipeline } from '../config/pipeline.ts';
import type { AgentTelemetry } from '../events.ts';
import type { PushGatherer } from '../gather/intake.ts';
import type { Lane } from '../gather/lane.ts';
import type { Sender } from '../ship/sender.ts';
import type { Outbox } from '../state/outbox.ts';
import type { Tailer } from '../tail/tailer.ts';
import { filesPage } from './files-api.ts';
import { exposeGauges } from './gauges.ts';
import { Governor } from './governor.ts';
import { Progress } from './progress.ts';
import { pushMetrics } from './push-metrics.ts';
import type { Sightings } from './sightings.ts';
import { agentStatus } from './status-api.ts';
import { processUsage } from './usage.ts';

/** A running agent, as far as it is watched. */
export interface Operated {
  pipeline: Pipeline;
  clock: Clock;
  telemetry: AgentTelemetry;
  outbox: Outbox;
  senders: ReadonlyMap<string, Sender>;
  tailer: Tailer;
  gatherer: PushGatherer;
  governor: Governor | undefined;
  sightings: Sightings;
  lanes(): Lane[];
}

const noProgressMs = 300_000;
/** How often memory is looked at when nothing is read. */
const memoryLookMs = 1_000;

/** Undefined where the configuration has no limit. */
export function createGovernor(
  { system }: Pipeline,
  clock: Clock,
  telemetry: AgentTelemetry,
  onReleased: () => void,
): Governor | undefined {
  const { cpuShare, memoryBytes, readBytesPerSecond } = system.operating ?? {};
  const limits = { cpuShare, memoryBytes, readBytesPerSecond };
  if (Object.values(limits).every((limit) => limit === undefined)) return undefined;
  return new Governor({
    limits,
    clock,
    usage: processUsage,
    onMemory(over, bytes) {
      telemetry.emit(over ? 'memory_limited' : 'memory_released', { bytes, limit: memoryBytes });
      if (!over) onReleased();
    },
  });
}

/**
 * Serves health, metrics and the API where `<system>` says, and sends metrics and sightings. `run` ends with `signal`.
 * @throws MillraceError PORT_TAKEN
 */
export async function startOperations(
  operated: Operated,
): Promise<{ run(signal: AbortSignal): Promise<void>; close(): void }> {
  const { pipeline, clock, telemetry, outbox, tailer, gatherer, governor } = operated;
  const { http, operating = {}, host } = pipeline.system;
  exposeGauges(telemetry, { outputs: pipeline.outputs, ...operated });
  const progress = new Progress(clock, operating.noProgressMs ?? noProgressMs, () => ({
    outputs: () => outbox.deliveries.all(),
    turns: tailer.turns,
    bytesRead: tailer.bytesRead,
    readableBytes: tailer.readableBytes,
    full: operated.lanes().some((lane) => lane.full),
    memoryHeld: governor?.memoryHeld ?? false,
  }));
  const startedMs = clock.now();
  const notReady = () => (outbox.degraded ? 'the position store cannot be written' : undefined);
  const unhealthy = () => progress.problem();
  const status = () =>
    agentStatus({
      ...operated,
      queuedBytes: gatherer.queuedBytes,
      problems: [unhealthy(), notReady()].filter((problem) => problem !== undefined),
      startedMs,
      nowMs: clock.now(),
    });
  const server =
    http &&
    (await startHealthServer({
      ...http,
      metrics: () => telemetry.registry.metrics(),
      notReady,
      unhealthy,
      routes: {
        '/api/v1/status': status,
        '/api/v1/files': (query) => filesPage(tailer.files(), outbox, query),
      },
    }));
  const write = (line: string) => process.stdout.write(line);
  return {
    async run(signal) {
      await Promise.all([
        progress.run(signal),
        operated.sightings.run(signal),
        pushMetrics(operating, { host, clock, telemetry, write }, signal),
        governor && watchMemory(governor, clock, signal),
      ]);
    },
    close() {
      server?.close();
      // Who keeps a connection must not get this run's answers for those of the next.
      server?.closeAllConnections();
    },
  };
}

async function watchMemory(governor: Governor, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    governor.look();
    await clock.sleep(memoryLookMs, signal);
  }
}
