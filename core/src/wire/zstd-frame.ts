import {
  constants,
  createZstdCompress,
  createZstdDecompress,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';
import { MillraceError } from '../errors.ts';

/** Skippable frames of ours: `zstd -d` passes over them. The nibble tells which is which. */
export const blockFrameMagic = 0x184d2a5b;
export const footerFrameMagic = 0x184d2a5f;
const zstdMagic = 0xfd2fb528;

const compression = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 };

/** One zstd frame with content size and checksum. */
export function compressFrame(bytes: Uint8Array): Buffer {
  return zstdCompressSync(bytes, { params: compression });
}

/**
 * As compressFrame, on the thread pool, frame after frame with one zstd context and one output buffer: made anew for
 * each block, those are most of what an agent's garbage collector works for.
 */
export class FrameCompressor {
  readonly #outputBytes: number;
  #stream: ZstdStream | undefined;
  #parts: Buffer[] = [];

  /** `bytesMax`: the longest content. */
  constructor(bytesMax: number) {
    // ZSTD_compressBound: zstd compresses straight from input to output when the whole frame has room there.
    this.#outputBytes = bytesMax + Math.ceil(bytesMax / 256) + 64;
  }

  /** `bytes` must not change until it resolves; the frame is valid until the next call, of which one runs at a time. */
  compress(bytes: Uint8Array): Promise<Uint8Array> {
    this.#stream ??= this.#open();
    const stream = this.#stream;
    this.#parts = [];
    // Node goes on where the last frame ended: back to the start, there the next one has room as well.
    stream._outOffset = 0;
    return new Promise((resolve, reject) => {
      const failed = (error: Error) => {
        this.#stream = undefined;
        reject(error);
      };
      stream.once('error', failed);
      stream.write(bytes, (error) => {
        if (error) return;
        stream.off('error', failed);
        const [first, ...others] = this.#parts;
        resolve(first && others.length === 0 ? first : Buffer.concat(this.#parts));
      });
    });
  }

  #open(): ZstdStream {
    const stream = createZstdCompress({
      params: compression,
      chunkSize: this.#outputBytes,
      flush: constants.ZSTD_e_end,
    });
    stream.on('data', (part: Buffer) => this.#parts.push(part));
    return stream;
  }
}

/** `_outOffset`: where the next output goes; without it frames are the same and buffers are not used again. */
type ZstdStream = ReturnType<typeof createZstdCompress> & { _outOffset?: number };

/** Wraps `content` as a skippable frame: magic, length (both u32 little-endian), content. */
export function skippableFrame(magic: number, content: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(8 + content.length);
  frame.writeUInt32LE(magic, 0);
  frame.writeUInt32LE(content.length, 4);
  frame.set(content, 8);
  return frame;
}

/** Largest window, as a power of two, that a decoder needs for content of `bytes`: it allocates what a frame says. */
export function windowLogMaxFor(bytes: number): number {
  return Math.min(27, Math.max(windowLogMin, Math.ceil(Math.log2(Math.max(bytes, 1)))));
}

/** Our own compressor's windows are smaller, whatever the content's size. */
const windowLogMin = 20;

/**
 * Decodes `bytes`, which must be exactly one zstd frame that declares `size` bytes of content.
 * @throws MillraceError WIRE_CORRUPT
 */
export function decompressFrame(bytes: Uint8Array, size: number): Buffer {
  const length = zstdFrameLength(bytes);
  if (length !== bytes.length) {
    throw new MillraceError('WIRE_CORRUPT', `zstd frame of ${length} bytes in ${bytes.length}`);
  }
  try {
    // Room for all of it at once: by default Node gathers pieces of 16 KiB.
    const chunkSize = Math.max(size + 1, 64);
    const params = { [constants.ZSTD_d_windowLogMax]: windowLogMaxFor(size) };
    const content = zstdDecompressSync(bytes, { maxOutputLength: Math.max(size, 1), chunkSize, params });
    if (content.length === size) return content;
    throw new MillraceError('WIRE_CORRUPT', `zstd frame holds ${content.length} bytes, declared ${size}`);
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause;
    throw new MillraceError('WIRE_CORRUPT', 'zstd frame does not decode', { cause });
  }
}

/**
 * As decompressFrame, frame after frame with one zstd context and one output buffer: making those anew takes as long as
 * decoding does.
 */
export class FrameDecompressor {
  readonly #output: Buffer;
  #stream: ZstdInternals | undefined;

  /** `bytesMax`: the longest content that is decoded this way. */
  constructor(bytesMax: number) {
    this.#output = Buffer.allocUnsafeSlow(bytesMax + 1);
  }

  /** Valid until the next call. @throws MillraceError WIRE_CORRUPT */
  decompress(bytes: Uint8Array, size: number): Buffer {
    if (size >= this.#output.length || zstdFrameLength(bytes) !== bytes.length)
      return decompressFrame(bytes, size);
    this.#stream ??= this.#open();
    const stream = this.#stream;
    const { _handle: handle, _writeState: left } = stream;
    // What Node's synchronous call does inside; without these members it is called.
    if (handle?.writeSync === undefined || left === undefined) return decompressFrame(bytes, size);
    const output = this.#output;
    handle.writeSync(constants.ZSTD_e_end, bytes, 0, bytes.length, output, 0, output.length);
    const whole = !stream.destroyed && left[1] === 0 && output.length - (left[0] ?? 0) === size;
    if (whole) return output.subarray(0, size);
    // Its context is in the middle of something: that call says what is wrong.
    this.#stream = undefined;
    stream.destroy();
    return decompressFrame(bytes, size);
  }

  #open(): ZstdInternals {
    const params = { [constants.ZSTD_d_windowLogMax]: windowLogMaxFor(this.#output.length) };
    const stream = createZstdDecompress({ params });
    stream.on('error', () => {});
    return stream as ZstdInternals;
  }
}

type ZstdInternals = ReturnType<typeof createZstdDecompress> & {
  _handle?: {
    writeSync?(
      flush: number,
      input: Uint8Array,
      inputAt: number,
      inputBytes: number,
      output: Uint8Array,
      outputAt: number,
      outputBytes: number,
    ): void;
  };
  /** Bytes of output and of input that are left. */
  _writeState?: Uint32Array;
};

/**
 * Length in bytes of the zstd frame at the start of `bytes` (RFC 8878, 3.1.1), by its block headers alone.
 * Node's decoder ignores what follows the first frame, so a reader has to know where it ends.
 * @throws MillraceError WIRE_CORRUPT
 */
export function zstdFrameLength(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const need = (size: number) => {
    if (size > bytes.length) throw new MillraceError('WIRE_CORRUPT', 'zstd frame is cut short');
  };
  need(6);
  if (view.getUint32(0, true) !== zstdMagic) throw new MillraceError('WIRE_CORRUPT', 'no zstd frame');
  const descriptor = view.getUint8(4);
  if (descriptor & 0x08) throw new MillraceError('WIRE_CORRUPT', 'zstd frame has a reserved bit');
  const single = (descriptor & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const contentSize = [single ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  let at = 5 + (single ? 0 : 1) + dictionary + contentSize;
  for (let last = false; !last; ) {
    need(at + 3);
    const header = view.getUint8(at) | (view.getUint16(at + 1, true) << 8);
    last = (header & 1) === 1;
    const type = (header >> 1) & 3;
    if (type === 3) throw new MillraceError('WIRE_CORRUPT', 'zstd block of a reserved type');
    at += 3 + (type === 1 ? 1 : header >> 3);
  }
  at += descriptor & 0x04 ? 4 : 0;
  need(at);
  return at;
}
