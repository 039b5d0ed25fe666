import packageJson from '../../package.json' with { type: 'json' };
import type { Pipeline } from '../config/pipeline.ts';
import type { Sender } from '../ship/sender.ts';
import type { Outbox } from '../state/outbox.ts';
import type { Tailer } from '../tail/tailer.ts';

export interface StatusOptions {
  pipeline: Pipeline;
  outbox: Outbox;
  senders: ReadonlyMap<string, Sender>;
  tailer: Tailer;
  queuedBytes: number;
  /** Why /healthz and /readyz are red. */
  problems: string[];
  startedMs: number;
  nowMs: number;
}

/** `GET /api/v1/status`; the names are part of the interface. Sizes are bytes, times ISO 8601. */
export function agentStatus(options: StatusOptions) {
  const { pipeline, outbox, senders, tailer, queuedBytes, problems, startedMs, nowMs } = options;
  return {
    version: packageJson.version,
    host: pipeline.system.host,
    started: new Date(startedMs).toISOString(),
    uptime_seconds: Math.round((nowMs - startedMs) / 1000),
    problems,
    outputs: pipeline.outputs
      .filter(({ outboxBytes }) => outboxBytes > 0)
      .map((output) => {
        const { pendingBlocks, pendingBytes, blocks, bytes, lastMs } = outbox.deliveries.of(output.id);
        const rate = senders.get(output.id)?.rate;
        return {
          id: output.id,
          type: output.type,
          outbox_size: output.outboxBytes,
          outbox_bytes: pendingBytes,
          outbox_blocks: pendingBlocks,
          shipped_blocks: blocks,
          shipped_bytes: bytes,
          last_acknowledged: lastMs === undefined ? null : new Date(lastMs).toISOString(),
          /** What the stream is known to take, learned from its refusals; null: no limit is known. */
          rate_bytes_per_second: rate === undefined ? null : Math.round(rate),
        };
      }),
    inputs: [
      ...pipeline.sources.map(({ id, where }) => ({ id, where, type: 'tail' })),
      ...pipeline.inputs.map(({ id, where }) => ({ id, where, type: 'push' })),
    ],
    files: { open: tailer.openFiles, lag_bytes: tailer.lagBytes, read_bytes: tailer.bytesRead },
    queued_bytes: queuedBytes,
  };
}
