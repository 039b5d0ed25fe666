import { generationText } from '@millrace/core/ids/generation.ts';
import type { Block, BlockRecord, Source } from '@millrace/core/wire/block.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import type { Correction } from './correction.ts';
import { type NamedSource, type SourceFilter, sourceFilter } from './source-filter.ts';

/** A correction and what has become of it. */
export interface KnownCorrection {
  correction: Correction;
  withdrawn: boolean;
}

/** A block as a reader of the archive has to take it. */
export interface Corrected {
  /** The block with the rules that its records name. */
  block: Block;
  /** Its records without those that are dropped; a source of theirs may have another rule than in the block. */
  records(): Generator<BlockRecord>;
}

/** Records that corrections are about, with all that was ever said of each. */
export interface Disputed {
  record: BlockRecord;
  /** The correction that counts; undefined: none, the others are withdrawn. */
  counts: Correction | undefined;
  all: Correction[];
}

/** The corrections of one stream, as archive readers apply them; the live path never meets them (D13). */
export class Corrections {
  readonly #known: { entry: KnownCorrection; takes: SourceFilter; ranges: Map<string, [number, number][]> }[];
  readonly #objects = new Set<string>();
  /** Changes whenever a correction is made or withdrawn. */
  readonly version: string;

  constructor(known: readonly KnownCorrection[]) {
    const ordered = [...known].sort((a, b) => a.correction.number - b.correction.number);
    this.version = ordered
      .map(({ correction, withdrawn }) => `${correction.number}${withdrawn ? 'w' : ''}`)
      .join(' ');
    this.#known = ordered.map((entry) => ({
      entry,
      takes: sourceFilter(entry.correction.select),
      ranges: new Map(entry.correction.sources.map(({ generation, ranges }) => [generation, ranges])),
    }));
    for (const { correction } of ordered) for (const key of correction.objects) this.#objects.add(key);
  }

  /** No correction was ever made. */
  get empty(): boolean {
    return this.#known.length === 0;
  }

  /** Whether a correction, withdrawn or not, was made with this object in view. */
  names(key: string): boolean {
    return this.#objects.has(key);
  }

  /** Of corrections, withdrawn or not, what concerns some sources: all that a reader of their blocks has to know. */
  about(sources: readonly (NamedSource & { generation: Uint8Array })[]): KnownCorrection[] {
    if (this.#known.length === 0) return [];
    const named = sources.map((source) => ({ source, generation: generationText(source.generation) }));
    return this.#known.flatMap(({ entry, takes, ranges }) => {
      const touched = new Map<string, [number, number][]>();
      for (const { source, generation } of named) {
        const own = ranges.get(generation);
        if (own !== undefined && takes(source)) touched.set(generation, own);
      }
      if (touched.size === 0) return [];
      const concerned = [...touched].map(([generation, own]) => ({ generation, ranges: own }));
      return [{ ...entry, correction: { ...entry.correction, objects: [], sources: concerned } }];
    });
  }

  /** Undefined when no correction touches the block. */
  correct(block: Block): Corrected | undefined {
    const touching = this.#touching(block);
    if (touching === undefined) return undefined;
    const rules = [...block.header.rules];
    const replaced = new Map<Source, Map<Correction, Source>>();
    const withRule = (source: Source, correction: Correction): Source => {
      const bySource = replaced.get(source) ?? new Map<Correction, Source>();
      replaced.set(source, bySource);
      let other = bySource.get(correction);
      if (other === undefined && 'rule' in correction.action) {
        let rule = rules.indexOf(correction.action.rule);
        if (rule < 0) rule = rules.push(correction.action.rule) - 1;
        other = { ...source, rule };
        bySource.set(correction, other);
      }
      return other ?? source;
    };
    return {
      block: { header: { ...block.header, rules }, payload: block.payload },
      *records() {
        for (const record of blockRecords(block)) {
          const { counts } = disputeOf(record, touching);
          if (counts === undefined) yield record;
          else if ('rule' in counts.action) yield { ...record, source: withRule(record.source, counts) };
        }
      },
    };
  }

  /** The records of a block that corrections touch, withdrawn ones included. */
  *disputed(block: Block): Generator<Disputed> {
    const touching = this.#touching(block);
    if (touching === undefined) return;
    for (const record of blockRecords(block)) {
      const dispute = disputeOf(record, touching);
      if (dispute.all.length > 0) yield dispute;
    }
  }

  /** By source, what may cover its records; undefined when nothing does. */
  #touching({ header }: Block): Touching | undefined {
    if (this.#known.length === 0) return undefined;
    const touching: Touching = new Map();
    for (const source of header.sources) {
      const generation = generationText(source.generation);
      const named = { host: header.host, tag: source.tag, path: source.path };
      const found = this.#known.flatMap(({ entry, takes, ranges }) => {
        const own = ranges.get(generation);
        return own !== undefined && takes(named) ? [{ entry, ranges: own }] : [];
      });
      if (found.length > 0) touching.set(source, found);
    }
    return touching.size === 0 ? undefined : touching;
  }
}

type Touching = Map<Source, { entry: KnownCorrection; ranges: [number, number][] }[]>;

function disputeOf(record: BlockRecord, touching: Touching): Disputed {
  const all: Correction[] = [];
  let counts: Correction | undefined;
  for (const { entry, ranges } of touching.get(record.source) ?? []) {
    const { correction, withdrawn } = entry;
    const { fromMs = 0, toMs = Number.POSITIVE_INFINITY } = correction.select;
    const { capturedMs } = record.run;
    if (capturedMs < fromMs || capturedMs > toMs || !covers(ranges, record.offset)) continue;
    all.push(correction);
    if (!withdrawn) counts = correction;
  }
  return { record, counts, all };
}

function covers(ranges: readonly [number, number][], offset: number): boolean {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle]?.[1] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  const range = ranges[low];
  return range !== undefined && range[0] <= offset;
}
