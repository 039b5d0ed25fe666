import type { Output } from '../config/pipeline.ts';
import type { AgentTelemetry } from '../events.ts';
import type { PushGatherer } from '../gather/intake.ts';
import type { Lane } from '../gather/lane.ts';
import type { Outbox } from '../state/outbox.ts';
import type { Tailer } from '../tail/tailer.ts';
import type { Delivered } from './deliveries.ts';
import type { Governor } from './governor.ts';

interface Gauged {
  outputs: Output[];
  tailer: Tailer;
  outbox: Outbox;
  gatherer: PushGatherer;
  governor: Governor | undefined;
  lanes(): Lane[];
}

/** Sources that have a value of their own; the rest of a very large configuration is added up as `other`. */
const sourcesMax = 200;

/** What is read when metrics are asked for. */
export function exposeGauges(telemetry: AgentTelemetry, gauged: Gauged): void {
  const { tailer, outbox, gatherer, lanes, governor } = gauged;
  const { gauge } = telemetry;
  gauge('bytes_read_total', 'Bytes read from files.', () => tailer.bytesRead);
  gauge('open_files', 'Files being followed.', () => tailer.openFiles);
  gauge('lag_bytes', 'Bytes in followed files that are in no block yet.', () => tailer.lagBytes);
  gauge('queued_bytes', 'Bytes of pushed events that wait for a block.', () => gatherer.queuedBytes);
  gauge('outbox_bytes', 'Bytes of blocks that wait for an acknowledgement.', () => outbox.pendingBytes);
  gauge('outbox_blocks', 'Blocks that wait for an acknowledgement.', () => outbox.pendingBlocks);
  gauge('outbox_full', '1 while reading is stopped because the outbox is full.', () =>
    lanes().some((lane) => lane.full) ? 1 : 0,
  );
  gauge('state_unwritable_now', '1 while the position store or the outbox cannot be written.', () =>
    outbox.degraded ? 1 : 0,
  );
  gauge('resident_bytes', 'Memory of the process (RSS).', () => process.memoryUsage.rss());
  gauge('memory_limited', '1 while nothing is read because memory_limit is exceeded.', () =>
    governor?.memoryHeld ? 1 : 0,
  );
  exposeOutputs(telemetry, gauged);
  exposeSources(telemetry, tailer);
}

function exposeOutputs({ gaugeBy }: AgentTelemetry, { outputs, outbox }: Gauged): void {
  const each = (read: (delivered: Delivered) => number) => (): [string, number][] =>
    outputs
      .filter(({ outboxBytes }) => outboxBytes > 0)
      .map(({ id }) => [id, read(outbox.deliveries.of(id))]);
  const by = 'output';
  gaugeBy(
    'output_shipped_blocks_total',
    'Blocks acknowledged.',
    by,
    each(({ blocks }) => blocks),
  );
  gaugeBy(
    'output_shipped_bytes_total',
    'Bytes of the acknowledged blocks.',
    by,
    each(({ bytes }) => bytes),
  );
  gaugeBy(
    'output_shipped_source_bytes_total',
    'Bytes of files and events that the acknowledged blocks stand for.',
    by,
    each(({ sourceBytes }) => sourceBytes),
  );
  gaugeBy(
    'output_outbox_bytes',
    'Bytes of blocks that wait for an acknowledgement.',
    by,
    each(({ pendingBytes }) => pendingBytes),
  );
  gaugeBy(
    'output_acknowledged_seconds',
    'Time of the last acknowledgement, seconds since 1970; 0: none since the start.',
    by,
    each(({ lastMs }) => (lastMs ?? 0) / 1000),
  );
}

function exposeSources({ gaugeBy }: AgentTelemetry, tailer: Tailer): void {
  const bounded = (of: 'read' | 'lag') => (): [string, number][] => {
    const sums = new Map<string, number>();
    for (const item of tailer.sources()) {
      const source = sums.size < sourcesMax || sums.has(item.source) ? item.source : 'other';
      sums.set(source, (sums.get(source) ?? 0) + item[of]);
    }
    return [...sums];
  };
  gaugeBy('source_read_bytes_total', 'Bytes read from files.', 'source', bounded('read'));
  gaugeBy('source_lag_bytes', 'Bytes of files that are in no block yet.', 'source', bounded('lag'));
}
