import { MillraceError } from '@millrace/core/errors.ts';
import type { Rule } from '@millrace/core/rule/rule.ts';
import { ruleText, ruleTextBytesMax } from '@millrace/core/rule/text.ts';
import { type Exception, payloadBytesMax } from '@millrace/core/wire/block.ts';
import { createFilterCounts, type FilterCounts } from './counts.ts';
import type { EdgeStep, Filter, FilterContext, Shipped } from './filter.ts';
import { Memory } from './memory.ts';
import { type Chunk, EdgeRecord, type RecordEncoding, recordEncoding } from './record.ts';

/** A chain of filters for records of one tag: the rule that travels, and the steps that are decided here. */
export interface Program {
  /** Canonical text. */
  rule: string;
  edge: EdgeProgram | undefined;
}

/** Steps of a rule, as its grammar has it. */
const ruleStepsMax = 64;

/** @throws MillraceError RULE_INVALID when the filters make a rule that is none */
export function createProgram(filters: Filter[], rule: Rule, context: FilterContext): Program {
  let travelling = rule;
  const steps: EdgeStep[] = [];
  for (const filter of filters) {
    const step = filter.edge?.(travelling, context);
    if (step) steps.push(step);
    travelling = filter.rewriteRule?.(travelling, context) ?? travelling;
  }
  const text = ruleText(travelling);
  if (text.length > ruleTextBytesMax || (travelling.steps?.length ?? 0) > ruleStepsMax)
    throw new MillraceError('RULE_INVALID', `the filters of tag "${context.tag}" make too long a rule`, {
      hint: `at most ${ruleStepsMax} steps and ${ruleTextBytesMax} characters can travel with a block`,
    });
  if (steps.length === 0) return { rule: text, edge: undefined };
  const counts = context.telemetry && createFilterCounts(context.telemetry);
  return { rule: text, edge: new EdgeProgram(steps, rule.encoding, counts) };
}

/** Where some whole records come from. */
export interface Origin {
  capturedMs: number;
  path: string;
  /** The first record goes on from an earlier one; the last one goes on behind. */
  continues?: boolean;
  continued?: boolean;
  /** Absent: as the rule says. */
  encoding?: RecordEncoding | undefined;
}

/** What became of some whole records. */
export interface Judged {
  /** Source bytes judged, whole records; the rest does not fit and is to be judged with the next block. */
  consumed: number;
  /** Undefined: all of them are shipped as they are. */
  shipped: Shipped | undefined;
}

/** What a block's header takes for one exception, nearly always less. */
export const exceptionBytes = 8;

/** Paths of which something is remembered from one call to the next. */
const remembered = 1_024;

/** What became of one record. `by`: the step that dropped it, or the first that rewrote it. */
interface Fate {
  shipped: Buffer | 'keep' | undefined;
  by: string;
}

const untouched: Fate = { shipped: 'keep', by: '' };

/** The steps that decide at the edge, in their order. */
export class EdgeProgram {
  readonly #steps: EdgeStep[];
  readonly #encoding: RecordEncoding;
  readonly #counts: FilterCounts | undefined;
  /** Verdicts on records that found no room, which must not be made twice: steps count. */
  readonly #held = new Memory<{ from: number; size: number; fate: Fate }>(remembered);
  /** Records whose first piece was judged, by path and by where they go on. */
  readonly #open = new Memory<{ at: number; droppedBy: string | undefined }>(remembered);

  constructor(steps: EdgeStep[], encoding?: string, counts?: FilterCounts) {
    this.#steps = steps;
    this.#encoding = recordEncoding(encoding);
    this.#counts = counts;
  }

  /** The same with a step that decides before all others. */
  behind(first: EdgeStep): EdgeProgram {
    return new EdgeProgram([first, ...this.#steps], this.#encoding.label, this.#counts);
  }

  /**
   * Judges the whole records in `bytes`, which begin at `from` in their source, as far as what is shipped of them, and
   * what the header says of it, fits `room`. `lengths`: of the records; absent: they end at each "\n" and at the end.
   * Only a record that fits no block any more since it was rewritten is cut short.
   */
  apply(bytes: Buffer, lengths: number[] | undefined, from: number, origin: Origin, room: number): Judged {
    const chunk: Chunk = { bytes, ...origin, encoding: origin.encoding ?? this.#encoding };
    const record = new EdgeRecord(chunk);
    const result = new Result(bytes, from, lengths !== undefined);
    let start = 0;
    for (let i = 0; start < bytes.length; i++) {
      const end = lengths ? start + (lengths[i] ?? bytes.length - start) : lineEnd(bytes, start);
      const rest = origin.continues === true && start === 0;
      const first = origin.continued === true && end === bytes.length;
      record.moveTo(start, end, rest || first);
      const fate = this.#fateOf(record, from + start, rest, first);
      if (!result.take(start, end, fate, room)) {
        this.#held.set(origin.path, { from: from + start, size: end - start, fate });
        break;
      }
      start = end;
    }
    if (this.#counts) result.count(this.#counts);
    return { consumed: start, shipped: result.shipped() };
  }

  #fateOf(record: EdgeRecord, from: number, rest: boolean, first: boolean): Fate {
    const { path, size } = record;
    const held = this.#held.get(path);
    if (held) {
      this.#held.delete(path);
      if (held.from === from && held.size === size) return held.fate;
    }
    const open = rest ? this.#open.get(path) : undefined;
    const known = open?.at === from ? open : undefined;
    const fate =
      known?.droppedBy === undefined
        ? this.#judge(record, known !== undefined)
        : { shipped: undefined, by: known.droppedBy };
    if (rest) this.#open.delete(path);
    if (first) {
      const decided = this.#steps.some((step) => step.wholeRecords && step.by === fate.by);
      const droppedBy = fate.shipped === undefined && decided ? fate.by : undefined;
      this.#open.set(path, { at: from + size, droppedBy });
    }
    return fate;
  }

  /** `decided`: a piece before this one was kept by the steps that judge whole records. */
  #judge(record: EdgeRecord, decided: boolean): Fate {
    let fate = untouched;
    for (const step of this.#steps) {
      if (decided && step.wholeRecords) continue;
      const verdict = step.judge(record);
      if (verdict === 'keep') continue;
      if (verdict === 'drop' || verdict.length === 0) return { shipped: undefined, by: step.by };
      fate = { shipped: verdict, by: fate === untouched ? step.by : fate.by };
      record.replace(verdict);
    }
    return fate;
  }
}

function lineEnd(bytes: Buffer, start: number): number {
  const newline = bytes.indexOf(0x0a, start);
  return newline < 0 ? bytes.length : newline + 1;
}

/** Gathers what is shipped of a chunk. */
class Result {
  readonly #bytes: Buffer;
  readonly #from: number;
  readonly #lengths: number[] | undefined;
  readonly #parts: Buffer[] = [];
  readonly #exceptions: Exception[] = [];
  readonly #tallies = new Map<string, { dropped: number; droppedBytes: number; rewritten: number }>();
  /** Where the bytes begin that are shipped as they are and in no part yet. */
  #asTheyAre = 0;
  #end = 0;
  #size = 0;

  constructor(bytes: Buffer, from: number, framed: boolean) {
    this.#bytes = bytes;
    this.#from = from;
    this.#lengths = framed ? [] : undefined;
  }

  /** False when there is no room for it. */
  take(start: number, end: number, { shipped, by }: Fate, room: number): boolean {
    const extends_ = shipped === undefined && this.#extends(start, by);
    const header = (this.#exceptions.length + (shipped === 'keep' || extends_ ? 0 : 1)) * exceptionBytes;
    let size = shipped === 'keep' ? end - start : (shipped?.length ?? 0);
    let bytes = shipped;
    if (this.#size + size + (this.#end > 0 ? header : 0) > room) {
      if (room < payloadBytesMax || this.#size > 0) return false;
      size = room;
      if (typeof bytes === 'object') bytes = bytes.subarray(0, room);
    }
    if (bytes !== 'keep') {
      this.#cutOff(start);
      this.#asTheyAre = end;
      if (bytes) this.#parts.push(bytes);
      this.#except(start, end, bytes?.length ?? 0, by, extends_);
      this.#tally(by, end - start, bytes === undefined);
    }
    if (bytes !== undefined) this.#lengths?.push(size);
    this.#size += size;
    this.#end = end;
    return true;
  }

  shipped(): Shipped | undefined {
    if (this.#exceptions.length === 0) return undefined;
    this.#cutOff(this.#end);
    const shipped = { bytes: Buffer.concat(this.#parts, this.#size), exceptions: this.#exceptions };
    return this.#lengths ? { ...shipped, lengths: this.#lengths } : shipped;
  }

  count(counts: FilterCounts): void {
    for (const [by, { dropped, droppedBytes, rewritten }] of this.#tallies) {
      if (dropped > 0) counts.dropped(by, dropped, droppedBytes);
      if (rewritten > 0) counts.rewritten(by, rewritten);
    }
  }

  #tally(by: string, bytes: number, dropped: boolean): void {
    const tally = this.#tallies.get(by) ?? { dropped: 0, droppedBytes: 0, rewritten: 0 };
    this.#tallies.set(by, tally);
    if (!dropped) tally.rewritten++;
    else {
      tally.dropped++;
      tally.droppedBytes += bytes;
    }
  }

  #cutOff(end: number): void {
    if (end > this.#asTheyAre) this.#parts.push(this.#bytes.subarray(this.#asTheyAre, end));
    this.#asTheyAre = end;
  }

  /** Neighbours that one filter dropped share an exception; a rewritten record has its own. */
  #extends(start: number, by: string): boolean {
    const last = this.#exceptions.at(-1);
    return last?.shipped === 0 && last.by === by && last.from + last.length === this.#from + start;
  }

  #except(start: number, end: number, shipped: number, by: string, extending: boolean): void {
    const last = this.#exceptions.at(-1);
    if (last && extending) last.length += end - start;
    else this.#exceptions.push({ from: this.#from + start, length: end - start, shipped, by });
  }
}
