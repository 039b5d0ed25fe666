import { type ByteFinder, SourceText } from '@millrace/core/document/held-text.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import { exactInteger, mayHoldLongIntegers } from '@millrace/core/parse/exact-integers.ts';
import { compileHighlighter } from '@millrace/core/query/highlight.ts';
import { matcherOf } from '@millrace/core/query/match.ts';
import { compilePruner, type PruneSource } from '@millrace/core/query/prune.ts';
import { eventTie } from '@millrace/core/store/action.ts';
import { compareHits, type HitOrder, hitOrder } from '@millrace/core/store/hit-order.ts';
import type { Dsl, SearchHit, SortValues } from '@millrace/core/store/port.ts';
import { type Block, type BlockRecord, payloadBytesMax, type Run } from '@millrace/core/wire/block.ts';
import { decodeHeader, decodePayload } from '@millrace/core/wire/decode.ts';
import { recordsAt } from '@millrace/core/wire/records.ts';
import { FrameDecompressor } from '@millrace/core/wire/zstd-frame.ts';
import { Corrections, type KnownCorrection } from '../corrections/corrections.ts';

/** What is looked for in blocks. */
export interface ScanRequest {
  query: Dsl;
  order: 'asc' | 'desc';
  /** Hits of one block that are of use: the first in order. */
  limit: number;
  /** Only what comes behind these sort values. */
  after?: SortValues;
  highlight: boolean;
  /** Hits carry the bytes of their record. */
  raw?: boolean;
}

/** A hit as it goes from thread to thread: a text costs a fraction of an object there. */
export interface FoundHit extends HitOrder {
  id: string;
  index: string;
  /** JSON of the document. */
  text: string;
  highlight?: string;
  raw?: Uint8Array;
}

/** As a store would give it. */
export function searchHit({ id, index, text, sort, highlight, raw }: FoundHit): SearchHit {
  const source = JSON.parse(text) as Record<string, unknown> & { event: Event };
  if (mayHoldLongIntegers(text))
    source.fields = (JSON.parse(text, exactInteger) as Record<string, unknown>).fields;
  source.event.tie = eventTie(id);
  delete source.kv;
  delete source.kn;
  return { id, index, source, sort, ...(highlight !== undefined && { highlight }), ...(raw && { raw }) };
}

export interface BlockHits {
  hits: FoundHit[];
  /** Payload that was decoded. */
  bytes: number;
  /** Records that no document can be made of, and why. */
  unread?: { events: number; error: string };
}

const sourcesMax = 4_096;

/** Looks for one query in blocks; keeps what it compiled between them. */
export class BlockScanner {
  readonly #request: ScanRequest;
  readonly #pruner: ReturnType<typeof compilePruner>;
  readonly #matches: ReturnType<typeof matcherOf>;
  readonly #highlight: ReturnType<typeof compileHighlighter> | undefined;
  readonly #after: HitOrder | undefined;
  readonly #renderer = createRenderer();
  readonly #frames = new FrameDecompressor(payloadBytesMax);
  readonly #texts = new Map<string, ScannedText>();

  constructor(request: ScanRequest) {
    this.#request = request;
    this.#pruner = compilePruner(request.query);
    this.#matches = matcherOf(request.query);
    this.#highlight = request.highlight ? compileHighlighter(request.query) : undefined;
    this.#after = request.after && hitOrder(request.after);
  }

  /**
   * The hits of one block, in order. `known`: the corrections that may concern it.
   * @throws MillraceError WIRE_CORRUPT, WIRE_LIMIT, WIRE_UNSUPPORTED
   */
  scan(bytes: Uint8Array, known: readonly KnownCorrection[] = []): BlockHits {
    const decoded = decodeHeader(bytes);
    const { header } = decoded;
    const sources = header.sources.map(
      ({ generation, path, tag }): PruneSource => ({
        generation,
        path,
        tag,
        host: header.host,
        stream: header.stream,
      }),
    );
    const chosen = new Set(
      header.runs.filter(({ source, from, to }) => {
        // A record may stand for bytes of no length.
        const view = { source: sources[source] as PruneSource, offsets: [{ from, to: to + 1 }] };
        return this.#pruner.verdict(view) !== 'no';
      }),
    );
    if (chosen.size === 0) return { hits: [], bytes: 0 };
    const block = decodePayload(bytes, decoded, (frame, size) => this.#frames.decompress(frame, size));
    const corrected = known.length === 0 ? undefined : new Corrections(known).correct(block);
    // By which rule a corrected record is read decides what its bytes tell: all are looked at.
    if (corrected !== undefined)
      return this.#read(corrected.block, only(corrected.records(), chosen), block.payload.length);
    return this.#read(block, this.#candidates(block, chosen), block.payload.length);
  }

  #read(block: Block, records: Iterable<BlockRecord>, bytes: number): BlockHits {
    const { limit, order, raw } = this.#request;
    const found: BlockHits = { hits: [], bytes };
    const at = new Noted(records);
    const unrendered = this.#renderer.renderBlock(block, at.records(), ({ id, index, source: text }) => {
      const source = JSON.parse(text) as Record<string, unknown>;
      if (!this.#matches(id, source)) return;
      const hit = this.#hit(id, index, text, source);
      if (raw === true && at.last !== undefined)
        hit.raw = new Uint8Array(block.payload.subarray(at.last.start, at.last.end));
      if (this.#after !== undefined && compareHits(hit, this.#after, order) <= 0) return;
      found.hits.push(hit);
      if (found.hits.length >= 2 * limit + 1_000) found.hits = first(found.hits, order, limit);
    });
    found.hits = first(found.hits, order, limit);
    const [one] = unrendered;
    if (one !== undefined) {
      const events = unrendered.reduce((sum, { ids }) => sum + ids.length, 0);
      found.unread = { events, error: one.error.message };
    }
    return found;
  }

  #hit(id: string, index: string, text: string, source: Record<string, unknown>): FoundHit {
    const { log, event } = source as { log: { file: { path: string }; offset: number }; event: Event };
    const highlight = this.#highlight?.(String(source.message));
    const sort = [String(source['@timestamp']), log.file.path, event.generation, log.offset, eventTie(id)];
    const { time } = hitOrder(sort);
    return { time, sort, id, index, text, ...(highlight === undefined ? {} : { highlight }) };
  }

  *#candidates(block: Block, chosen: ReadonlySet<Run>): Generator<BlockRecord> {
    const payload = Buffer.from(block.payload.buffer, block.payload.byteOffset, block.payload.length);
    let base = 0;
    for (const run of block.header.runs) {
      if (chosen.has(run)) yield* this.#ofRun(block, payload, run, base);
      base += run.size + (run.filler ? 1 : 0);
    }
  }

  *#ofRun(block: Block, payload: Buffer, run: Run, base: number): Generator<BlockRecord> {
    const { text, finder } = this.#textOf(block, run);
    if (finder === undefined) {
      yield* recordsAt(block, run, base, (from, to, found) => {
        for (let at = from; at < to; ) at = found(at);
      });
      return;
    }
    const joins = text.fidelity.joins && run.lengths !== undefined;
    const records = recordsAt(block, run, base, (from, to, found) => {
      if (!joins) return finder.find(payload, from, to, found);
      let at = from;
      for (const length of run.lengths ?? []) {
        // What is joined of several lines is in none of them.
        if (severalLines(payload, at, at + length)) found(at);
        else finder.find(payload, at, at + length, found);
        at += length;
      }
    });
    for (const record of records) {
      if (joins && severalLines(payload, record.start, record.end)) yield record;
      else if (this.#mayMatch(payload, record, text)) yield record;
    }
  }

  #mayMatch(payload: Buffer, { start, end }: BlockRecord, text: SourceText): boolean {
    const bytes = payload.toString('latin1', start, end);
    return (
      this.#pruner.verdict({ holds: (fragment, place) => text.mayHold(bytes, fragment, place) }) !== 'no'
    );
  }

  #textOf({ header }: Block, run: Run): ScannedText {
    const { rule = 0, path = '' } = header.sources[run.source] ?? {};
    const key = `${header.rules[rule]}\0${path}`;
    let scanned = this.#texts.get(key);
    if (scanned === undefined) {
      const text = new SourceText(header.rules[rule] ?? '', path);
      scanned = { text, finder: text.finderOf(this.#pruner.anchors) };
      if (this.#texts.size >= sourcesMax) this.#texts.clear();
      this.#texts.set(key, scanned);
    }
    return scanned;
  }
}

/** A source, and where in its bytes hits may be. */
interface ScannedText {
  text: SourceText;
  /** Undefined: anywhere. */
  finder: ByteFinder | undefined;
}

interface Event {
  generation: string;
  tie: number;
}

/** Records, and which of them a document is being made of. */
class Noted {
  readonly #records: Iterable<BlockRecord>;
  last: BlockRecord | undefined;

  constructor(records: Iterable<BlockRecord>) {
    this.#records = records;
  }

  *records(): Generator<BlockRecord> {
    for (const record of this.#records) {
      this.last = record;
      yield record;
    }
  }
}

function severalLines(bytes: Buffer, start: number, end: number): boolean {
  const newline = bytes.indexOf(0x0a, start);
  return newline >= 0 && newline < end - 1;
}

function first(hits: FoundHit[], order: 'asc' | 'desc', limit: number): FoundHit[] {
  return hits.sort((a, b) => compareHits(a, b, order)).slice(0, limit);
}

function* only(records: Iterable<BlockRecord>, runs: ReadonlySet<Run>): Generator<BlockRecord> {
  for (const record of records) if (runs.has(record.run)) yield record;
}
