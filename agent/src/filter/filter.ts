import type { Rule } from '@millrace/core/rule/rule.ts';
import type { Exception } from '@millrace/core/wire/block.ts';
import type { AgentTelemetry } from '../events.ts';
import type { EdgeRecord } from './record.ts';

/** A `<filter>` made ready. What of it can wait travels in the rule; the rest is decided at the edge (D2). */
export interface Filter {
  id: string;
  /** file:line of the section. */
  where: string;
  /** Lines of `agent check`: what, value. No secrets. */
  describe(): [string, string][];
  /** The rule of records behind this filter; without it the rule stays as it is. */
  rewriteRule?(rule: Rule, context: FilterContext): Rule;
  /** What it decides at the edge; `rule` is that of the records before it. */
  edge?(rule: Rule, context: FilterContext): EdgeStep;
}

export interface FilterContext {
  tag: string;
  host: string;
  /** Names the outputs that events go to. What a filter counts, it counts for each: `copy` shows it events twice. */
  way: string;
  /** Where drops are counted and said; absent while a configuration is only checked. */
  telemetry?: AgentTelemetry;
}

/** One filter's verdict on one record. State (a throttle's counts, a seen burst) is the step's own. */
export interface EdgeStep {
  /** Names the filter in exceptions and metrics: type and id. */
  by: string;
  /**
   * A record over the size limit comes in pieces: the verdict on the first holds for all of them. Without this each
   * piece is judged.
   */
  wholeRecords?: true;
  judge(record: EdgeRecord): Verdict;
}

/** `keep` as it is, `drop`, or what to ship in its place. */
export type Verdict = 'keep' | 'drop' | Buffer;

/** What is shipped of some whole records, where it is not just their bytes. */
export interface Shipped {
  bytes: Buffer;
  /** Lengths of the records shipped, for framings that are not "\n" alone. */
  lengths?: number[];
  exceptions: Exception[];
}

/** The name of a filter in exceptions and metrics. */
export function filterName(type: string, id: string): string {
  return `${type} ${id}`.slice(0, 128);
}
