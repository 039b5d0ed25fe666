import { crc32 } from 'node:zlib';
import { MillraceError } from '../errors.ts';
import { controlValue } from '../wire/control.ts';
import { ByteWriter } from '../wire/varint.ts';
import { compressFrame, footerFrameMagic, skippableFrame } from '../wire/zstd-frame.ts';
import {
  type Footer,
  type FooterControl,
  type FooterSource,
  footerBytesMax,
  footerCompressed,
  footerField,
  footerMagic,
  footerSourceField,
  footerTrailerBytes,
} from './footer.ts';

/**
 * The footer's frame, the last bytes of its object. Equal footers give equal bytes.
 * @throws MillraceError ARCHIVE_CORRUPT for a footer over its limit: the writer closes objects long before
 */
export function encodeFooter(footer: Footer): Buffer {
  const fields = footerFields(footer);
  if (fields.length > footerBytesMax) {
    throw new MillraceError('ARCHIVE_CORRUPT', `footer of ${fields.length} bytes, at most ${footerBytesMax}`);
  }
  const packed = compressFrame(fields);
  const compressed = packed.length < fields.length;
  const body = new ByteWriter()
    .raw(Uint8Array.of(compressed ? footerCompressed : 0))
    .varint(fields.length)
    .raw(compressed ? packed : fields)
    .bytes();
  const sum = Buffer.allocUnsafe(4);
  sum.writeUInt32LE(crc32(body));
  const content = Buffer.concat([footerMagic, sum, body, Buffer.alloc(footerTrailerBytes)]);
  const frame = skippableFrame(footerFrameMagic, content);
  frame.writeUInt32LE(frame.length, frame.length - footerTrailerBytes);
  footerMagic.copy(frame, frame.length - footerMagic.length);
  return frame;
}

/** Numbers names in the order they are first seen. */
class Names {
  readonly list: string[] = [];
  readonly #index = new Map<string, number>();

  of(name: string): number {
    let index = this.#index.get(name);
    if (index === undefined) {
      index = this.list.push(name) - 1;
      this.#index.set(name, index);
    }
    return index;
  }
}

function footerFields(footer: Footer): Buffer {
  const out = new ByteWriter();
  const names: AllNames = {
    hosts: new Names(),
    tags: new Names(),
    rules: new Names(),
    filters: new Names(),
    dates: new Names(),
  };
  const sources = footer.sources.map((source) => sourceValue(source, names));
  const control = footer.control?.map((said) => controlOf(said, names));
  out.field(footerField.stream, footer.stream);
  out.field(footerField.blocks, blockTable(footer));
  if (footer.blocks.some(({ times }) => times !== undefined)) out.field(footerField.times, timesOf(footer));
  for (const name of names.hosts.list) out.field(footerField.host, name);
  for (const name of names.tags.list) out.field(footerField.tag, name);
  for (const name of names.rules.list) out.field(footerField.rule, name);
  for (const name of names.filters.list) out.field(footerField.filter, name);
  for (const date of names.dates.list) out.field(footerField.date, date);
  for (const source of sources) out.field(footerField.source, source);
  const captured = new ByteWriter()
    .varint(footer.capturedFirstMs)
    .varint(footer.capturedLastMs - footer.capturedFirstMs);
  out.field(footerField.captured, captured.bytes());
  out.field(footerField.payloadBytes, new ByteWriter().varint(footer.payloadBytes).bytes());
  for (const day of footer.days ?? []) {
    out.field(footerField.day, new ByteWriter().sized(day.date).varint(day.events).bytes());
  }
  if (footer.tokens !== undefined) out.field(footerField.tokens, footer.tokens);
  for (const said of control ?? []) out.field(footerField.control, said);
  // Nobody said anything, which is not the same as that nobody looked.
  if (control?.length === 0) out.field(footerField.control, '');
  return out.bytes();
}

function controlOf({ host, agent, entries }: FooterControl, names: AllNames): Buffer {
  const baseMs = entries[0]?.atMs ?? 0;
  const out = new ByteWriter().varint(names.hosts.of(host)).raw(agent).varint(baseMs);
  for (const entry of entries) out.sized(controlValue(entry, baseMs));
  return out.bytes();
}

function blockTable(footer: Footer): Buffer {
  const out = new ByteWriter();
  let at = 0;
  let arrivalMs = 0;
  for (const block of footer.blocks) {
    if (block.offset !== at) throw new TypeError(`block at ${block.offset}, expected at ${at}`);
    out
      .varint(block.length)
      .raw(Buffer.from(block.id, 'hex'))
      .zigzag(block.arrivalMs - arrivalMs)
      .sized(sequenceBytes(block.sequence));
    at += block.length;
    arrivalMs = block.arrivalMs;
  }
  return out.bytes();
}

/** 0: unknown, 1: no events, else seconds from first to last and 2, then the first less that of the block before. */
function timesOf({ blocks }: Footer): Buffer {
  const out = new ByteWriter();
  let before = 0;
  for (const { times } of blocks) {
    if (times === undefined || times === 'none') {
      out.varint(times === undefined ? 0 : 1);
      continue;
    }
    out.varint(times.last - times.first + 2).zigzag(times.first - before);
    before = times.first;
  }
  return out.bytes();
}

/** Big-endian, as few bytes as it takes; `0` is one zero byte, an absent number none. */
function sequenceBytes(sequence: string): Buffer {
  if (sequence === '') return Buffer.alloc(0);
  const hex = BigInt(sequence).toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}

type AllNames = Record<'hosts' | 'tags' | 'rules' | 'filters' | 'dates', Names>;

function sourceValue(source: FooterSource, names: AllNames): Buffer {
  const out = new ByteWriter()
    .raw(source.generation)
    .varint(names.hosts.of(source.host))
    .varint(names.tags.of(source.tag))
    .varint(names.rules.of(source.rule))
    .sized(source.path);
  const covered = new ByteWriter();
  let at = 0;
  for (const { from, to } of source.covered) {
    covered.varint(from - at).varint(to - from);
    at = to;
  }
  out.field(footerSourceField.covered, covered.bytes());
  if (source.dated !== undefined) {
    const dated = new ByteWriter();
    at = 0;
    for (const { date, from, to, events } of source.dated) {
      dated
        .varint(names.dates.of(date))
        .varint(from - at)
        .varint(to - from)
        .varint(events);
      at = from;
    }
    out.field(footerSourceField.dated, dated.bytes());
  }
  if (source.exceptions.length > 0) {
    const exceptions = new ByteWriter();
    at = 0;
    for (const item of source.exceptions) {
      exceptions
        .varint(item.from - at)
        .varint(item.length)
        .varint(item.shipped)
        .varint(names.filters.of(item.by));
      // Deltas of starts, not ends: a stretch may lie in two blocks that were cut differently.
      at = item.from;
    }
    out.field(footerSourceField.exceptions, exceptions.bytes());
  }
  return out.bytes();
}
