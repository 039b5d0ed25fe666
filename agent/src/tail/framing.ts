import { payloadBytesMax } from '@millrace/core/wire/block.ts';
import type { Framing } from '../config/pipeline.ts';
import { criLine, dockerLine } from './container-lines.ts';
import { type TextEncoding, textEncoding } from './text-encoding.ts';

/** Where the whole records of some bytes end, and how they are framed. */
export interface Cut {
  /** Bytes that belong to whole records; the rest waits. */
  size: number;
  /** Record lengths, for framings that are not "\n" alone. */
  lengths?: number[];
  /** The last record was cut at a limit and goes on behind; nothing more was cut after it. */
  continued: boolean;
  /** Container messages that end early because a line of another stream stands among theirs. */
  interleaved?: number;
}

type Grouped = Exclude<Framing, { type: 'newline' }>;

/** Lines of a record of several, and its bytes, where the source does not say. */
export const groupBoundsDefault = { lines: 2_000, bytes: payloadBytesMax };

/**
 * Finds whole records at the start of `bytes`. `final` says that no more bytes will come (timer, rotation, shutdown):
 * then everything is a record. `room` is what the block can still take; records do not straddle blocks. Apart from
 * what `final` ends, the records are the same however a file's bytes arrive.
 */
export function cutRecords(
  framing: Framing,
  bytes: Buffer,
  room: number,
  final: boolean,
  encoding: TextEncoding = textEncoding(undefined),
): Cut {
  if (room <= 0) return { size: 0, continued: false };
  // Half of a unit is never a record's end.
  const units = encoding.unit === 2 ? bytes.subarray(0, bytes.length & ~1) : bytes;
  const whole =
    framing.type !== 'newline'
      ? cutGroups(framing, units, room, final, encoding)
      : encoding.unit === 1
        ? cutLines(units, room, final)
        : cutWideLines(units, room, final, encoding);
  if (whole.size > 0 || bytes.length < payloadBytesMax) return whole;
  // A record longer than any block is cut at a fixed multiple, so that it is cut the same way whoever reads it.
  if (room < payloadBytesMax) return { size: 0, continued: false };
  const size = encoding.boundary(units, payloadBytesMax);
  const plain = framing.type === 'newline' && encoding.unit === 1;
  return { size, continued: true, ...(plain ? {} : { lengths: [size] }) };
}

function cutLines(bytes: Buffer, room: number, final: boolean): Cut {
  if (final && bytes.length <= room) return { size: bytes.length, continued: false };
  return { size: bytes.lastIndexOf(0x0a, room - 1) + 1, continued: false };
}

/** Lines of a file whose line ends are more than a byte: the reader of the block has to be told their lengths. */
function cutWideLines(bytes: Buffer, room: number, final: boolean, encoding: TextEncoding): Cut {
  const lengths: number[] = [];
  let size = 0;
  for (let end = encoding.lineEnd(bytes, 0); end > 0 && end <= room; end = encoding.lineEnd(bytes, size)) {
    lengths.push(end - size);
    size = end;
  }
  if (final && size < bytes.length && bytes.length <= room) {
    lengths.push(bytes.length - size);
    size = bytes.length;
  }
  return { size, lengths, continued: false };
}

/** Which lines belong together. A line is `bytes[start, end)`, its terminator included. */
interface Grouping {
  /** The line begins a record, although one is open. */
  begins(start: number, end: number): boolean;
  /** The line is the last one of the record that began at `from`. */
  ends(from: number, start: number, end: number): boolean;
  interleaved(): number;
}

function cutGroups(
  framing: Grouped,
  bytes: Buffer,
  room: number,
  final: boolean,
  encoding: TextEncoding,
): Cut {
  const bounds = framing.bounds ?? groupBoundsDefault;
  const grouping = groupingOf(framing, bytes, encoding);
  const lengths: number[] = [];
  let from = 0;
  let start = 0;
  let lines = 0;
  let several = false;
  const cut = (continued: boolean): Cut => {
    // Container lines are whole messages as a rule: then "\n" says all.
    const plain = encoding.unit === 1 && !several && (framing.type === 'cri' || framing.type === 'docker');
    const interleaved = grouping.interleaved();
    return {
      size: from,
      continued,
      ...(plain ? {} : { lengths }),
      ...(interleaved > 0 ? { interleaved } : {}),
    };
  };
  const close = (end: number) => {
    lengths.push(end - from);
    several ||= lines > 1;
    from = end;
    lines = 0;
  };
  while (start < bytes.length) {
    const lineEnd = encoding.lineEnd(bytes, start);
    const end = lineEnd === 0 ? bytes.length : lineEnd;
    // An unfinished line could still begin a record: it decides nothing, until it is too long to wait for.
    const undecided = lineEnd === 0 && !final;
    if (lines > 0) {
      const begins = !undecided && grouping.begins(start, end);
      const tooLong = undecided
        ? from === 0 && bytes.length >= payloadBytesMax
        : end - from > bounds.bytes || lines >= bounds.lines;
      if (begins || tooLong) {
        if (start > room) break;
        close(start);
        if (!begins) return cut(true);
      }
    }
    if (undecided) break;
    lines++;
    if (grouping.ends(from, start, end)) {
      if (end > room) break;
      close(end);
    }
    start = end;
  }
  if (final && start === bytes.length && start > from && start <= room) close(start);
  return cut(false);
}

function groupingOf(framing: Grouped, bytes: Buffer, encoding: TextEncoding): Grouping {
  const text = (start: number, end: number) => encoding.decode(bytes, start, end).replace(/\n$/, '');
  const never = () => false;
  const none = () => 0;
  switch (framing.type) {
    case 'multiline':
      return {
        begins: (start, end) => framing.firstline.test(text(start, end)),
        ends: never,
        interleaved: none,
      };
    case 'continuation':
      return {
        begins: (start, end) => !framing.continuation.test(text(start, end)),
        ends: never,
        interleaved: none,
      };
    case 'matching':
      return {
        begins: never,
        ends: (from, _, end) => framing.whole.test(text(from, end)),
        interleaved: none,
      };
    default:
      return containerGrouping(framing.type === 'cri' ? criLine : dockerLine, bytes);
  }
}

/**
 * A message in parts is one record while its parts stand next to each other. A record is one stretch of the file, so a
 * line of the other stream, or one that is no container line, ends it early.
 */
function containerGrouping(read: typeof criLine, bytes: Buffer): Grouping {
  let open = '';
  let interleaved = 0;
  let at = -1;
  let line: ReturnType<typeof criLine>;
  const lineAt = (start: number, end: number) => {
    if (at !== start) line = read(bytes, start, end);
    at = start;
    return line;
  };
  return {
    begins: (start, end) => {
      const other = lineAt(start, end)?.stream !== open;
      if (other) interleaved++;
      return other;
    },
    ends: (_, start, end) => {
      const found = lineAt(start, end);
      open = found?.stream ?? '';
      return !found?.partial;
    },
    interleaved: () => interleaved,
  };
}

/** The lengths of the records that end within the first `size` bytes. */
export function lengthsUntil(lengths: number[], size: number): number[] {
  let end = 0;
  return lengths.filter((length) => {
    end += length;
    return end <= size;
  });
}
