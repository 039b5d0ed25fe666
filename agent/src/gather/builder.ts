import { generationText } from '@millrace/core/ids/generation.ts';
import { type BlockHeader, blockBytesMax, payloadBytesMax, type Run } from '@millrace/core/wire/block.ts';
import { assembleBlock } from '@millrace/core/wire/encode.ts';
import { FrameCompressor } from '@millrace/core/wire/zstd-frame.ts';
import type { Shipped } from '../filter/filter.ts';
import { exceptionBytes } from '../filter/program.ts';
import type { GenerationRow, OutboxRow } from '../state/database.ts';
import type { Cut } from '../tail/framing.ts';

/** What a run says of where its bytes came from. */
export interface RunOrigin {
  generation: Buffer;
  path: string;
  tag: string;
  /** Canonical rule text. */
  rule: string;
  from: number;
  capturedMs: number;
  continues: boolean;
}

/** Sources a block's header may name. */
const sourcesMax = 512;
/** Header bytes of one run or source beside its texts, and of a whole block beside those; generous. */
const entryBytes = 40;
const blockBytesBeside = 8192;

/**
 * Gathers whole records of any number of files into one block's payload. Files are read straight into `free()`, so
 * a byte is copied once, by the kernel.
 */
export class BlockBuilder {
  readonly payload = Buffer.allocUnsafeSlow(payloadBytesMax);
  /** The built block lies here: used again and again, so that there is nothing to collect. */
  readonly #block = Buffer.allocUnsafeSlow(blockBytesMax);
  readonly #compressor = new FrameCompressor(payloadBytesMax);
  #fill = 0;
  #runs: Run[] = [];
  #sources: BlockHeader['sources'] = [];
  /** What the header takes at most; tables of lengths are left out: what they add the payload's newlines save. */
  #headerBytes = 0;
  #rules: string[] = [];
  readonly #sourceIndex = new Map<string, number>();
  /** Latest position of each generation in this block. */
  readonly #positions = new Map<string, GenerationRow>();

  get empty(): boolean {
    return this.#runs.length === 0;
  }

  /** Bytes that records can still take, with room for a filler: whatever they are, the block fits its limit. */
  get room(): number {
    if (this.empty) return payloadBytesMax;
    if (this.#sources.length >= sourcesMax) return 0;
    const size = Math.min(payloadBytesMax, blockBytesMax - blockBytesBeside - this.#headerBytes);
    return Math.max(0, size - this.#fill - 1);
  }

  /** Where the next run's bytes are to be read to. */
  free(): Buffer {
    return this.payload.subarray(this.#fill);
  }

  /**
   * Takes `cut.size` bytes, which are at the start of `free()`; `position` is the state to commit with the block.
   * `shipped`: what filters made of them, which is at most `room`.
   */
  add(origin: RunOrigin, cut: Cut, position: GenerationRow | undefined, shipped?: Shipped): void {
    shipped?.bytes.copy(this.payload, this.#fill);
    const size = shipped?.bytes.length ?? cut.size;
    const lengths = shipped ? shipped.lengths : cut.lengths;
    const bytesEnd = this.#fill + size;
    this.#headerBytes += entryBytes + (shipped?.exceptions.length ?? 0) * exceptionBytes;
    const filler = size > 0 && this.payload[bytesEnd - 1] !== 0x0a && bytesEnd < payloadBytesMax;
    this.#runs.push({
      source: this.#source(origin),
      from: origin.from,
      to: origin.from + cut.size,
      capturedMs: origin.capturedMs,
      size,
      filler,
      continues: origin.continues,
      continued: cut.continued,
      ...(lengths ? { lengths } : {}),
      ...(shipped ? { exceptions: shipped.exceptions } : {}),
    });
    if (filler) this.payload[bytesEnd] = 0x0a;
    this.#fill = bytesEnd + (filler ? 1 : 0);
    if (position) this.note(position);
  }

  /** A position to commit with this block although the block holds no bytes of it. */
  note(position: GenerationRow): void {
    this.#positions.set(position.id.toString('latin1'), position);
  }

  /**
   * Compresses and empties the builder, which must not be filled before the promise has resolved. The block's bytes are
   * valid until the next call.
   */
  async build(head: Pick<BlockHeader, 'host' | 'agent' | 'stream'>): Promise<BuiltBlock> {
    const size = this.#fill;
    const payload = this.payload.subarray(0, size);
    const frame = size === 0 ? payload : await this.#compressor.compress(payload);
    const header: BlockHeader = { ...head, rules: this.#rules, sources: this.#sources, runs: this.#runs };
    const bytes = assembleBlock(header, size, frame, this.#block);
    const runs = header.runs.map((run) => ({
      generation: generationText(header.sources[run.source]?.generation ?? Buffer.alloc(16)),
      from: run.from,
      to: run.to,
    }));
    const built = { bytes, runs, positions: [...this.#positions.values()] };
    this.#clear();
    return built;
  }

  /** Empties the builder of what is to go nowhere. */
  discard(): BuiltBlock {
    const built = { bytes: Buffer.alloc(0), runs: [], positions: [...this.#positions.values()] };
    this.#clear();
    return built;
  }

  #clear(): void {
    this.#fill = 0;
    this.#runs = [];
    this.#sources = [];
    this.#headerBytes = 0;
    this.#rules = [];
    this.#sourceIndex.clear();
    this.#positions.clear();
  }

  #source(origin: RunOrigin): number {
    const key = `${origin.generation.toString('latin1')}\0${origin.path}\0${origin.rule}`;
    const known = this.#sourceIndex.get(key);
    if (known !== undefined) return known;
    let rule = this.#rules.indexOf(origin.rule);
    if (rule < 0) {
      rule = this.#rules.push(origin.rule) - 1;
      this.#headerBytes += Buffer.byteLength(origin.rule);
    }
    const { generation, path, tag } = origin;
    this.#headerBytes += entryBytes + Buffer.byteLength(path) + Buffer.byteLength(tag);
    const index = this.#sources.push({ generation, path, tag, rule }) - 1;
    this.#sourceIndex.set(key, index);
    return index;
  }
}

export interface BuiltBlock {
  bytes: Buffer;
  runs: OutboxRow['runs'];
  positions: GenerationRow[];
}
