import { countSteps } from '../../shards/count-steps.ts';
import { look } from '../../shards/look.ts';
import { coresOf, eventsOf, shardsFor, useOf } from '../../shards/sizing.ts';
import { widestOf } from './report.ts';
import type { Where } from './where.ts';

/** What `shards plan` says; also its JSON. */
export interface Proposal {
  open: number;
  /** Null when nothing was measured. */
  proposed: number | null;
  why: string[];
  calls: number[];
}

const names = {
  bytes: '1 MB/s a shard',
  records: '1,000 records/s a shard',
  cpu: 'a core a shard',
  least: '',
};

/** Shards of which the peak of the window uses `target` (0 to 1). */
export async function propose(where: Where, windowMs: number, target: number): Promise<Proposal> {
  const [view, load] = await Promise.all([look(where), where.meter.load(windowMs, [])]);
  const open = view.open.length;
  if (load === undefined) {
    const why = ['nothing was measured: no records came, or the metrics are somewhere else (--consumer URL)'];
    return { open, proposed: null, why, calls: [] };
  }
  const { shards, because, by } = shardsFor(load.peak, target);
  const now = useOf(load.peak, Math.min(open, 1 / widestOf(view.open)));
  const percent = (part: number) => `${Math.round(part * 100)} %`;
  const counted = load.peak.events === undefined ? 'supposed of the bytes' : 'counted';
  const { bytes, records } = load.peak;
  const why = [
    `peak: ${(bytes / 1e6).toFixed(3)} MB/s, ${Math.round(records)} records/s, ` +
      `${Math.round(eventsOf(load.peak))} events/s (${counted}) = ${coresOf(load.peak).toFixed(2)} cores of the consumer; ` +
      load.source,
    `now: ${open} shards, ${percent(now.bytes)} of the bytes, ${percent(now.records)} of the records, ` +
      `${percent(now.cpu)} of the readers' cores`,
    `at ${percent(target)}: ${by.bytes} by bytes, ${by.records} by records, ${by.cpu} by CPU; ` +
      (because === 'least' ? 'one is the least' : `${names[because]} decides`),
  ];
  if (widestOf(view.open) * open > 1.1)
    why.push(
      `the widest shard has ${percent(widestOf(view.open))} of the keys and is full first: shards scale ${open} evens them`,
    );
  if (load.throttled > 0)
    why.push(`${load.throttled} writes were refused: the true peak is higher than what was measured`);
  if (view.state.onDemand) why.push('the stream is on demand: Kinesis chooses, this is for comparison');
  return { open, proposed: shards, why, calls: countSteps(open, shards) };
}
