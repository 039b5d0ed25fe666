import type { ReadGroup, TailSource } from '../config/pipeline.ts';
import type { TailedFile } from './file.ts';

/** What a file or a group may still yield in its period. */
interface Budget {
  left: number;
  until: number;
}

interface Meter {
  bytes: Budget;
  /** Of the source's rules, the one that holds for the file. */
  rule: number | undefined;
  /** What a line of the file has taken so far. */
  lineBytes: number;
}

export type Allowance = { bytes: number } | { waits: 'read_bytes_limit_per_second' | 'group' };

/** A read under a limit of lines takes at least this much: it may go over the limit, and pays for it later. */
const groupBytesMin = 4096;

/**
 * How fast files may be read. What is over a limit waits in its file. A read that takes more than was left is paid
 * for in the periods after it, so that the rate holds in the long run.
 */
export class ReadLimits {
  readonly #meters = new WeakMap<TailedFile, Meter>();
  /** By source, one for each rule of its group. */
  readonly #groups = new WeakMap<TailSource, Budget[]>();

  /** What may be read of a file now, `bytesMax` at most. */
  allow(file: TailedFile, bytesMax: number, now: number): Allowance {
    const { readBytesPerSecond, group } = file.source;
    if (readBytesPerSecond === undefined && group === undefined) return { bytes: bytesMax };
    const meter = this.#meter(file);
    let bytes = bytesMax;
    if (readBytesPerSecond !== undefined) {
      const left = refill(meter.bytes, readBytesPerSecond, 1000, now);
      if (left <= 0) return { waits: 'read_bytes_limit_per_second' };
      bytes = Math.min(bytes, left);
    }
    const budget = this.#budget(file.source, meter);
    const limit = group?.rules[meter.rule ?? 0]?.limit ?? -1;
    if (group && budget && limit >= 0) {
      const left = refill(budget, limit, group.ratePeriodMs, now);
      if (left <= 0) return { waits: 'group' };
      bytes = Math.min(bytes, Math.max(groupBytesMin, left * meter.lineBytes));
    }
    return { bytes };
  }

  /** `gathered`: what the read put into the block. */
  spend(file: TailedFile, bytesRead: number, gathered: Buffer): void {
    const meter = this.#meters.get(file);
    if (meter === undefined) return;
    meter.bytes.left -= bytesRead;
    const budget = this.#budget(file.source, meter);
    if (budget === undefined) return;
    const lines = linesIn(gathered);
    budget.left -= lines;
    if (lines > 0) meter.lineBytes = Math.ceil(gathered.length / lines);
  }

  #meter(file: TailedFile): Meter {
    let meter = this.#meters.get(file);
    if (meter === undefined) {
      const rule = file.source.group ? ruleOf(file.source.group, file.path) : undefined;
      meter = { bytes: { left: 0, until: Number.NEGATIVE_INFINITY }, rule, lineBytes: 100 };
      this.#meters.set(file, meter);
    }
    return meter;
  }

  #budget(source: TailSource, meter: Meter): Budget | undefined {
    if (source.group === undefined || meter.rule === undefined) return undefined;
    let budgets = this.#groups.get(source);
    if (budgets === undefined) {
      budgets = source.group.rules.map(() => ({ left: 0, until: Number.NEGATIVE_INFINITY }));
      this.#groups.set(source, budgets);
    }
    return budgets[meter.rule];
  }
}

/** What is left now. What was read beyond the limit before is not given a second time. */
function refill(budget: Budget, limit: number, periodMs: number, now: number): number {
  if (now >= budget.until) {
    budget.left = limit + Math.min(0, budget.left);
    budget.until = now + periodMs;
  }
  return budget.left;
}

/** The first rule whose expressions all match what the pattern takes from the path. */
function ruleOf(group: ReadGroup, path: string): number | undefined {
  const captured = group.pattern.exec(path)?.groups;
  if (captured === undefined) return undefined;
  const index = group.rules.findIndex((rule) =>
    rule.match.every(([name, expression]) => expression.test(captured[name] ?? '')),
  );
  return index < 0 ? undefined : index;
}

function linesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) count++;
  return count;
}
