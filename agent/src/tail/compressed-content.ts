import { type Compression, decompressed } from './decompress.ts';
import { fingerprintBytes, lastBytes } from './fingerprint.ts';

/** Content that is skipped in one turn, so that other files are read meanwhile. */
const skipBytesMax = 8 * 1024 * 1024;

/** The content of a compressed file, read forward; going back begins again at the start. */
export class CompressedContent {
  /** Bytes of the whole content, as far as it can be decoded. */
  size: number;
  readonly #fd: number;
  readonly #compression: Compression;
  #chunks: ReturnType<typeof decompressed> | undefined;
  #chunk: Buffer = Buffer.alloc(0);
  /** Offset of the first byte in `#chunk`. */
  #at = 0;
  /** Up to 1 KiB before `#at`. */
  #before: Buffer = Buffer.alloc(0);

  constructor(fd: number, compression: Compression, size: number) {
    this.#fd = fd;
    this.#compression = compression;
    this.size = size;
  }

  /**
   * Fills `first`, at most 1 KiB, and `second` with what stands at `at`; the count of bytes, or undefined while there is
   * still much to skip before them.
   */
  async read(first: Buffer, second: Buffer, at: number): Promise<number | undefined> {
    const from = at + first.length;
    if (from < this.#at) this.#rewind();
    if (!(await this.#skip(from))) return undefined;
    if (this.#at < from) return 0;
    this.#before.subarray(this.#before.length - first.length).copy(first);
    let count = 0;
    while (count < second.length && (await this.#more())) {
      const size = Math.min(this.#chunk.length, second.length - count);
      this.#chunk.copy(second, count, 0, size);
      this.#pass(size);
      count += size;
    }
    if (count < second.length) this.size = this.#at;
    return Math.min(first.length, this.#before.length) + count;
  }

  close(): void {
    this.#rewind();
  }

  async #skip(to: number): Promise<boolean> {
    const limit = this.#at + skipBytesMax;
    while (this.#at < to && (await this.#more())) {
      this.#pass(Math.min(this.#chunk.length, to - this.#at));
      if (this.#at < to && this.#at >= limit) return false;
    }
    return true;
  }

  /** False at the end, a damaged one included. */
  async #more(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      this.#chunks ??= decompressed(this.#fd, this.#compression);
      const next = await this.#chunks.next();
      if (next.done) return false;
      this.#chunk = next.value;
    }
    return true;
  }

  #pass(size: number): void {
    this.#before = lastBytes(this.#before, this.#chunk.subarray(0, size), fingerprintBytes);
    this.#chunk = this.#chunk.subarray(size);
    this.#at += size;
  }

  #rewind(): void {
    // Ends what it has under way; nobody waits for that.
    void this.#chunks?.return(undefined);
    this.#chunks = undefined;
    this.#chunk = Buffer.alloc(0);
    this.#at = 0;
    this.#before = Buffer.alloc(0);
  }
}
