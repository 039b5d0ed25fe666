import { constants, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { MillraceError } from '../errors.ts';
import { windowLogMaxFor, zstdFrameLength } from '../wire/zstd-frame.ts';

/**
 * The content of a foreign record: as it is, or of what gzip or zstd made of it (all members and frames).
 * @throws MillraceError WIRE_CORRUPT, or WIRE_LIMIT for content longer than `bytesMax`
 */
export function unpack(data: Buffer, bytesMax: number): Buffer {
  if (data.length > 2 && data[0] === 0x1f && data[1] === 0x8b) return gunzip(data, bytesMax);
  if (data.length > 3 && data.readUInt32LE(0) === zstdMagic) return unzstd(data, bytesMax);
  if (data.length > bytesMax) throw tooLong(bytesMax);
  return data;
}

const zstdMagic = 0xfd2fb528;
const chunkSize = 256 * 1024;
/** The frame wants more memory than its content may have. */
const windowTooLarge = 'ZSTD_error_frameParameter_windowTooLarge';

function gunzip(data: Buffer, bytesMax: number): Buffer {
  const { buffer, engine } = decompressed('gzip', bytesMax, () =>
    gunzipSync(data, { maxOutputLength: bytesMax, chunkSize, info: true }),
  ) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
  // What stands behind the last member Node leaves out; some writers fill up with zeros.
  if (data.subarray(engine.bytesWritten).some((byte) => byte !== 0))
    throw new MillraceError('WIRE_CORRUPT', 'bytes that are no gzip stand behind the gzip content');
  return buffer;
}

/** Node decodes the first frame only. */
function unzstd(data: Buffer, bytesMax: number): Buffer {
  const parts: Buffer[] = [];
  const params = { [constants.ZSTD_d_windowLogMax]: windowLogMaxFor(bytesMax) };
  let left = bytesMax;
  for (let at = 0; at < data.length; ) {
    const end = at + zstdFrameLength(data.subarray(at));
    const frame = data.subarray(at, end);
    const part = decompressed('zstd', bytesMax, () =>
      // Room for one byte too many: an output limit of 0 is no limit.
      zstdDecompressSync(frame, { maxOutputLength: left + 1, chunkSize, params }),
    );
    left -= part.length;
    if (left < 0) throw tooLong(bytesMax);
    parts.push(part);
    at = end;
  }
  return Buffer.concat(parts);
}

function decompressed<T>(name: string, bytesMax: number, decompress: () => T): T {
  try {
    return decompress();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE' || code === windowTooLarge) throw tooLong(bytesMax);
    throw new MillraceError('WIRE_CORRUPT', `${name} content does not decode`, { cause });
  }
}

function tooLong(bytesMax: number): MillraceError {
  return new MillraceError('WIRE_LIMIT', `the record has more than ${bytesMax} bytes of content`, {
    hint: 'raise foreign.content_bytes_max of the consumer when this is wanted',
  });
}
