import { MillraceError } from '../errors.ts';
import { type Exception, offsetMax, payloadBytesMax, type Run, timeMsMax } from './block.ts';
import { exceptionsMax, runField, runFlag, runFlagsKnown } from './fields.ts';
import type { ByteReader } from './varint.ts';

/** A run as it stands in the header, before base time and dictionaries are known. */
export interface RawRun {
  source: number;
  from: number;
  length: number;
  capturedDelta: number;
  flags: number;
  lengths?: number[];
  exceptions?: { gap: number; length: number; shipped: number; filter: number }[];
  size?: number;
}

/** Entries that a block's tables may still hold: a header of a kilobyte may unpack to millions. */
export interface TableRoom {
  lengths: number;
  exceptions: number;
}

export function tableRoom(): TableRoom {
  return { lengths: payloadBytesMax, exceptions: exceptionsMax };
}

/** `room`: what the tables of all runs together may still hold. */
export function readRun(value: ByteReader, room: TableRoom): RawRun {
  const run: RawRun = {
    source: value.varint(),
    from: value.varint(),
    length: value.varint(),
    capturedDelta: value.zigzag(),
    flags: value.varint(),
  };
  value.fields((type, field) => {
    if (type === runField.size) run.size = field.varint();
    else if (type === runField.lengths) run.lengths = readLengths(field, room);
    else if (type === runField.exceptions) run.exceptions = readExceptions(field, room);
    else return false;
    return true;
  });
  return run;
}

export function decodeRun(raw: RawRun, baseMs: number, filters: string[], sources: number): Run {
  const to = raw.from + raw.length;
  const size = raw.size ?? raw.length;
  if (raw.source >= sources) throw new MillraceError('WIRE_CORRUPT', `no source ${raw.source}`);
  if (to > offsetMax) throw new MillraceError('WIRE_CORRUPT', `run ends at offset ${to}`);
  if ((raw.flags & ~runFlagsKnown) !== 0)
    throw new MillraceError('WIRE_UNSUPPORTED', `run flags ${raw.flags}`);
  const run: Run = {
    source: raw.source,
    from: raw.from,
    to,
    capturedMs: baseMs + raw.capturedDelta,
    size,
    filler: (raw.flags & runFlag.filler) !== 0,
    continues: (raw.flags & runFlag.continues) !== 0,
    continued: (raw.flags & runFlag.continued) !== 0,
  };
  if (!(run.capturedMs >= 0 && run.capturedMs <= timeMsMax))
    throw new MillraceError('WIRE_CORRUPT', `captured at ${run.capturedMs} ms`);
  if (run.filler && size === 0) throw new MillraceError('WIRE_CORRUPT', 'filler after nothing');
  if (raw.lengths) {
    run.lengths = raw.lengths;
    const sum = raw.lengths.reduce((total, length) => total + length, 0);
    if (sum !== size) throw new MillraceError('WIRE_CORRUPT', `lengths sum to ${sum}, not ${size}`);
  }
  const exceptions = raw.exceptions ? resolveExceptions(raw.exceptions, raw.from, filters) : [];
  if (raw.exceptions) run.exceptions = exceptions;
  const last = exceptions.at(-1);
  if (last && last.from + last.length > to)
    throw new MillraceError('WIRE_CORRUPT', 'exception runs past its run');
  const expected = exceptions.reduce((total, item) => total - item.length + item.shipped, raw.length);
  if (expected !== size)
    throw new MillraceError('WIRE_CORRUPT', `run of ${expected} shipped bytes says ${size}`);
  return run;
}

function readLengths(field: ByteReader, room: TableRoom): number[] {
  const lengths: number[] = [];
  while (!field.done) {
    const length = field.varint();
    if (length === 0) throw new MillraceError('WIRE_CORRUPT', 'record of no bytes');
    if (--room.lengths < 0) throw new MillraceError('WIRE_LIMIT', 'more lengths than bytes of payload');
    lengths.push(length);
  }
  return lengths;
}

function readExceptions(field: ByteReader, room: TableRoom): NonNullable<RawRun['exceptions']> {
  const list: NonNullable<RawRun['exceptions']> = [];
  while (!field.done) {
    if (--room.exceptions < 0) throw new MillraceError('WIRE_LIMIT', `more than ${exceptionsMax} exceptions`);
    list.push({
      gap: field.varint(),
      length: field.varint(),
      shipped: field.varint(),
      filter: field.varint(),
    });
  }
  return list;
}

function resolveExceptions(
  raw: NonNullable<RawRun['exceptions']>,
  from: number,
  filters: string[],
): Exception[] {
  let at = from;
  return raw.map((item) => {
    const by = filters[item.filter];
    if (by === undefined) throw new MillraceError('WIRE_CORRUPT', `no filter ${item.filter}`);
    const start = at + item.gap;
    at = start + item.length;
    return { from: start, length: item.length, shipped: item.shipped, by };
  });
}
