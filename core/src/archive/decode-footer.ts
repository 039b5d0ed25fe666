import { crc32 } from 'node:zlib';
import { isMillraceError, MillraceError } from '../errors.ts';
import { generationBytes } from '../ids/generation.ts';
import { isStreamName } from '../ids/stream-name.ts';
import { blockBytesMax, offsetMax, timeMsMax } from '../wire/block.ts';
import { readControl } from '../wire/control.ts';
import { ByteReader, ByteWriter } from '../wire/varint.ts';
import { decompressFrame, footerFrameMagic } from '../wire/zstd-frame.ts';
import {
  type Footer,
  type FooterBlock,
  type FooterControl,
  type FooterSource,
  footerBlocksMax,
  footerBytesMax,
  footerCompressed,
  footerControlMax,
  footerDaysMax,
  footerField,
  footerFrameBytesMax,
  footerHeadBytes,
  footerIntervalsMax,
  footerMagic,
  footerNamesMax,
  footerSourceField,
  footerSourcesMax,
  footerTrailerBytes,
} from './footer.ts';

/** Of dates, on either side of 1970. */
const secondsMax = timeMsMax / 1000;

/**
 * Length of the footer frame, from the last bytes of an object (8 or more of them).
 * @throws MillraceError ARCHIVE_CORRUPT
 */
export function footerFrameLength(tail: Uint8Array): number {
  const view = Buffer.from(tail.buffer, tail.byteOffset, tail.length);
  if (view.length < footerTrailerBytes || !view.subarray(-footerMagic.length).equals(footerMagic)) {
    throw corrupt('no footer at the end of the object');
  }
  const length = view.readUInt32LE(view.length - footerTrailerBytes);
  if (length < footerHeadBytes + footerTrailerBytes + 2 || length > footerFrameBytesMax) {
    throw corrupt(`footer frame of ${length} bytes`);
  }
  return length;
}

/**
 * Decodes a footer frame that begins at byte `offset` of its object; nothing in the bytes is trusted, memory is
 * bounded by footerBytesMax.
 * @throws MillraceError ARCHIVE_CORRUPT, or WIRE_UNSUPPORTED for a newer version
 */
export function decodeFooter(frame: Uint8Array, offset: number): Footer {
  if (footerFrameLength(frame) !== frame.length) throw corrupt('footer frame has another length');
  const view = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
  const content = view.readUInt32LE(4);
  if (view.readUInt32LE(0) !== footerFrameMagic || content !== frame.length - 8) {
    throw corrupt('footer frame does not begin where its trailer says');
  }
  if (!view.subarray(8, 12).equals(footerMagic)) throw corrupt('footer magic is missing');
  const body = view.subarray(footerHeadBytes, -footerTrailerBytes);
  if (crc32(body) !== view.readUInt32LE(12)) throw corrupt('footer checksum is wrong');
  try {
    return readFooter(unpack(body), offset);
  } catch (error) {
    if (!isMillraceError(error) || error.code === 'WIRE_UNSUPPORTED') throw error;
    if (error.code === 'ARCHIVE_CORRUPT') throw error;
    throw new MillraceError('ARCHIVE_CORRUPT', `footer: ${error.message}`, { cause: error });
  }
}

function unpack(body: Uint8Array): ByteReader {
  const reader = new ByteReader(body);
  const flags = reader.raw(1)[0] ?? 0;
  if ((flags & ~footerCompressed) !== 0) throw new MillraceError('WIRE_UNSUPPORTED', `footer flags ${flags}`);
  const size = reader.varint();
  if (size > footerBytesMax) throw corrupt(`footer of ${size} bytes`);
  const rest = body.subarray(1 + new ByteWriter().varint(size).length);
  if (flags & footerCompressed) return new ByteReader(decompressFrame(rest, size));
  if (rest.length !== size) throw corrupt('footer length is wrong');
  return new ByteReader(rest);
}

interface Names {
  hosts: string[];
  tags: string[];
  rules: string[];
  filters: string[];
  dates: string[];
  /** Intervals and exceptions that may still be read. */
  budget: number;
}

function readFooter(reader: ByteReader, offset: number): Footer {
  const names: Names = { hosts: [], tags: [], rules: [], filters: [], dates: [], budget: footerIntervalsMax };
  const sources: ByteReader[] = [];
  const control: ByteReader[] = [];
  let times: ByteReader | undefined;
  const days: NonNullable<Footer['days']> = [];
  const footer: Footer = {
    stream: '',
    blocks: [],
    sources: [],
    capturedFirstMs: 0,
    capturedLastMs: 0,
    payloadBytes: 0,
  };
  reader.fields((type, value, bytes) => {
    if (type === footerField.stream) footer.stream = textOf(bytes);
    else if (type === footerField.blocks) footer.blocks = readBlocks(value);
    else if (type === footerField.host) push(names.hosts, textOf(bytes), footerNamesMax);
    else if (type === footerField.tag) push(names.tags, textOf(bytes), footerNamesMax);
    else if (type === footerField.rule) push(names.rules, textOf(bytes), footerNamesMax);
    else if (type === footerField.filter) push(names.filters, textOf(bytes), footerNamesMax);
    else if (type === footerField.date) push(names.dates, textOf(bytes), footerDaysMax);
    else if (type === footerField.control) push(control, value, footerNamesMax);
    else if (type === footerField.source) push(sources, value, footerSourcesMax);
    else if (type === footerField.times) times = value;
    else if (type === footerField.tokens) footer.tokens = Buffer.from(bytes);
    else if (type === footerField.payloadBytes) footer.payloadBytes = value.varint();
    else if (type === footerField.day)
      push(days, { date: value.text(), events: value.varint() }, footerDaysMax);
    else if (type === footerField.captured) {
      footer.capturedFirstMs = value.varint();
      footer.capturedLastMs = footer.capturedFirstMs + value.varint();
    } else return false;
    return true;
  });
  if (!isStreamName(footer.stream)) throw corrupt('footer has no valid stream name');
  const end = footer.blocks.reduce((sum, block) => sum + block.length, 0);
  if (end !== offset) throw corrupt(`blocks end at ${end}, footer begins at ${offset}`);
  // Fields may come in any order, so sources are resolved when all names are known.
  footer.sources = sources.map((source) => readSource(source, names));
  if (times !== undefined) readTimes(times, footer.blocks);
  if (days.length > 0) footer.days = days;
  if (control.length > 0) {
    footer.control = control.filter((value) => !value.done).map((value) => readControlOf(value, names));
  }
  return footer;
}

function readControlOf(reader: ByteReader, names: Names): FooterControl {
  const host = nameOf(names.hosts, reader.varint());
  const said: FooterControl = { host, agent: reader.raw(16), entries: [] };
  const baseMs = reader.varint();
  while (!reader.done) {
    const entry = readControl(new ByteReader(reader.sized()), baseMs);
    if (entry !== undefined) push(said.entries, entry, footerControlMax);
  }
  return said;
}

function readBlocks(reader: ByteReader): FooterBlock[] {
  const blocks: FooterBlock[] = [];
  let offset = 0;
  let arrivalMs = 0;
  while (!reader.done) {
    const length = reader.varint();
    const id = hexOf(reader.raw(16));
    arrivalMs += reader.zigzag();
    const sequence = reader.sized();
    if (length === 0 || length > blockBytesMax || sequence.length > 64) {
      throw corrupt('block table entry out of bounds');
    }
    push(
      blocks,
      {
        offset,
        length,
        id,
        arrivalMs,
        sequence: sequence.length === 0 ? '' : String(BigInt(`0x${hexOf(sequence)}`)),
      },
      footerBlocksMax,
    );
    offset += length;
  }
  return blocks;
}

function readTimes(reader: ByteReader, blocks: FooterBlock[]): void {
  let first = 0;
  for (const block of blocks) {
    const kind = reader.varint();
    if (kind === 0) continue;
    if (kind === 1) block.times = 'none';
    else {
      first += reader.zigzag();
      block.times = { first, last: first + kind - 2 };
      if (!(Math.abs(first) <= secondsMax && Math.abs(block.times.last) <= secondsMax))
        throw corrupt(`events at ${first} s`);
    }
  }
  if (!reader.done) throw corrupt('times of more blocks than there are');
}

function readSource(reader: ByteReader, names: Names): FooterSource {
  const source: FooterSource = {
    generation: reader.raw(generationBytes),
    host: nameOf(names.hosts, reader.varint()),
    tag: nameOf(names.tags, reader.varint()),
    rule: nameOf(names.rules, reader.varint()),
    path: reader.text(),
    covered: [],
    exceptions: [],
  };
  reader.fields((type, value) => {
    if (type === footerSourceField.covered) source.covered = readCovered(value, names);
    else if (type === footerSourceField.dated) source.dated = readDated(value, names);
    else if (type === footerSourceField.exceptions) source.exceptions = readExceptions(value, names);
    else return false;
    return true;
  });
  return source;
}

function readCovered(reader: ByteReader, names: Names): FooterSource['covered'] {
  const covered: FooterSource['covered'] = [];
  let at = 0;
  while (!reader.done) {
    const from = at + reader.varint();
    at = from + reader.varint();
    if (at > offsetMax) throw corrupt(`interval ends at offset ${at}`);
    spend(names);
    covered.push({ from, to: at });
  }
  return covered;
}

function readDated(reader: ByteReader, names: Names): NonNullable<FooterSource['dated']> {
  const dated: NonNullable<FooterSource['dated']> = [];
  let at = 0;
  while (!reader.done) {
    const date = nameOf(names.dates, reader.varint());
    at += reader.varint();
    const to = at + reader.varint();
    if (to > offsetMax) throw corrupt(`stretch ends at offset ${to}`);
    spend(names);
    dated.push({ date, from: at, to, events: reader.varint() });
  }
  return dated;
}

function readExceptions(reader: ByteReader, names: Names): FooterSource['exceptions'] {
  const exceptions: FooterSource['exceptions'] = [];
  let at = 0;
  while (!reader.done) {
    at += reader.varint();
    const item = {
      from: at,
      length: reader.varint(),
      shipped: reader.varint(),
      by: nameOf(names.filters, reader.varint()),
    };
    if (at + item.length > offsetMax) throw corrupt(`exception ends at offset ${at + item.length}`);
    spend(names);
    exceptions.push(item);
  }
  return exceptions;
}

function spend(names: Names): void {
  if (names.budget-- <= 0) throw corrupt(`more than ${footerIntervalsMax} intervals in the footer`);
}

function nameOf(names: string[], index: number): string {
  const name = names[index];
  if (name === undefined) throw corrupt(`no name ${index} in the footer`);
  return name;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

function push<T>(list: T[], item: T, max: number): void {
  if (list.length >= max) throw corrupt(`more than ${max} entries of one kind in the footer`);
  list.push(item);
}

function corrupt(message: string): MillraceError {
  return new MillraceError('ARCHIVE_CORRUPT', message);
}
