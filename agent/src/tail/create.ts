import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Pipeline, TailSource, Target } from '../config/pipeline.ts';
import { tagOfPath } from '../config/route.ts';
import type { AgentTelemetry } from '../events.ts';
import type { Lanes, Way } from '../gather/lanes.ts';
import type { Governor } from '../operate/governor.ts';
import type { OutboxRow } from '../state/database.ts';
import type { Outbox } from '../state/outbox.ts';
import { FileFinder } from './finder.ts';
import { openFilesMax } from './open-limit.ts';
import { branchReaders, numberedReaders } from './readers.ts';
import type { Witness } from './status.ts';
import { Tailer } from './tailer.ts';

export interface TailOptions {
  pipeline: Pipeline;
  lanes: Lanes;
  torn: OutboxRow[];
  outbox: Outbox;
  clock: Clock;
  telemetry: AgentTelemetry;
  once: boolean;
  resumed: boolean;
  governor?: Governor | undefined;
  witness?: Witness | undefined;
}

/** The tailer of all `<source>`s that follow files. */
export function createTailer(options: TailOptions): Tailer {
  const { pipeline, lanes, torn, outbox, clock, telemetry, once, resumed, governor, witness } = options;
  const readings = pipeline.sources.flatMap((source) => readingsOf(source, pipeline, lanes));
  const branchOf = new Map(readings.map(({ source, branch }) => [source, branch]));
  const finder = new FileFinder({
    sources: readings.map(({ source }) => source),
    wayOf(source, path) {
      const tag = tagOfPath(source.tag, path);
      const branch = branchOf.get(source) ?? 0;
      const way = orderedWays(source, lanes.waysOf(source, tag, source.rule))[branch];
      if (way) return { tag, ...way };
      return branch === 0 ? undefined : null;
    },
    torn,
    outbox,
    clock,
    telemetry,
    fromHead: once,
    resumed,
    openMax: openFilesMax(),
    onStirred: () => tailer.stir(),
  });
  const tailer = new Tailer({
    finder,
    lanes: () => lanes.all(),
    torn,
    outbox,
    clock,
    telemetry,
    once,
    governor,
    witness,
  });
  return tailer;
}

/**
 * A source is read once for each branch of its way: each has filters and positions of its own, so that one that is
 * stuck holds up none of the others.
 */
function readingsOf(
  source: TailSource,
  pipeline: Pipeline,
  lanes: Lanes,
): { source: TailSource; branch: number }[] {
  const reading = (reader: string, branch: number) => ({
    source: reader === '' ? source : { ...source, reader, adopts: branch === 0 },
    branch,
  });
  if (!source.tag.includes('*')) {
    const ways = lanes.waysOf(source, source.tag, source.rule);
    return branchReaders(
      source,
      ways.map(({ lane }) => lane),
    ).map(reading);
  }
  // Where a file's events go depends on its path: its ways are numbered.
  return numberedReaders(source, widthOf(pipeline, source.label, 0)).map(reading);
}

/** Numbered ways are in an order that does not depend on where their outputs stand in the configuration. */
function orderedWays(source: TailSource, ways: Way[]): Way[] {
  if (!source.tag.includes('*')) return ways;
  const name = ({ lane }: Way) => lane.outputs.map(({ id }) => id).join();
  return ways.toSorted((a, b) => (name(a) < name(b) ? -1 : 1));
}

/** Most branches that an event of a label can have, whatever its tag is. */
function widthOf(pipeline: Pipeline, label: string, depth: number): number {
  const widthOfTarget = (target: Target): number => {
    if (target.type === 'output') return 1;
    if (target.type === 'relabel') return depth > 64 ? 1 : widthOf(pipeline, target.label, depth + 1);
    return target.targets.reduce((sum, each) => sum + widthOfTarget(each), 0);
  };
  const widths = (pipeline.stages.get(label) ?? []).map((stage) =>
    stage.kind === 'match' ? widthOfTarget(stage.target) : 1,
  );
  return Math.max(1, ...widths);
}
