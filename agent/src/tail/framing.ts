import { payloadBytesMax } from '@millrace/core/wire/block.ts';
import type { TailSource } from '../config/pipeline.ts';

/** Where the whole records of some bytes end, and how they are framed. */
export interface Cut {
  /** Bytes that belong to whole records; the rest waits. */
  size: number;
  /** Record lengths, for framings that are not "\n" alone. */
  lengths?: number[];
  /** The last record was cut at the size limit and goes on behind. */
  continued: boolean;
}

/**
 * Finds whole records at the start of `bytes`. `final` says that no more bytes will come (timer, rotation, shutdown):
 * then everything is a record. `room` is what the block can still take; records do not straddle blocks.
 */
export function cutRecords(framing: TailSource['framing'], bytes: Buffer, room: number, final: boolean): Cut {
  if (room <= 0) return { size: 0, continued: false };
  const whole =
    framing.type === 'newline'
      ? cutLines(bytes, room, final)
      : cutGroups(framing.firstline, bytes, room, final);
  if (whole.size > 0 || bytes.length < payloadBytesMax) return whole;
  // A record longer than any block is cut at a fixed multiple, so that it is cut the same way whoever reads it.
  if (room < payloadBytesMax) return { size: 0, continued: false };
  const size = utf8Boundary(bytes, payloadBytesMax);
  return { size, continued: true, ...(framing.type === 'multiline' ? { lengths: [size] } : {}) };
}

function cutLines(bytes: Buffer, room: number, final: boolean): Cut {
  if (final && bytes.length <= room) return { size: bytes.length, continued: false };
  return { size: bytes.lastIndexOf(0x0a, room - 1) + 1, continued: false };
}

/** A group begins at each line that matches `firstline` and ends before the next one. */
function cutGroups(firstline: RegExp, bytes: Buffer, room: number, final: boolean): Cut {
  const lengths: number[] = [];
  let groupStart = 0;
  let lineStart = 0;
  while (lineStart < bytes.length) {
    const newline = bytes.indexOf(0x0a, lineStart);
    // An unfinished line could still become a first line, so it decides nothing yet.
    if (newline < 0 && !final) break;
    const lineEnd = newline < 0 ? bytes.length : newline + 1;
    const line = bytes.toString('utf8', lineStart, newline < 0 ? lineEnd : newline);
    if (lineStart > groupStart && firstline.test(line)) {
      if (lineStart > room) break;
      lengths.push(lineStart - groupStart);
      groupStart = lineStart;
    }
    lineStart = lineEnd;
  }
  if (final && lineStart === bytes.length && bytes.length > groupStart && bytes.length <= room) {
    lengths.push(bytes.length - groupStart);
    groupStart = bytes.length;
  }
  return { size: groupStart, lengths, continued: false };
}

/**
 * The largest position <= `at` that does not split a UTF-8 sequence; `at` itself for bytes that are not UTF-8. Decided
 * by what is before `at`, since what follows may not have been read.
 */
function utf8Boundary(bytes: Buffer, at: number): number {
  for (let back = 1; back <= 3; back++) {
    const byte = bytes[at - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? at - back : at;
  }
  return at;
}
