import { isUtf8 } from 'node:buffer';
import { MillraceError } from '../errors.ts';
import { type Envelope, readEnvelope } from './cloudwatch.ts';
import { unpack } from './unpack.ts';

/** What a foreign record holds. */
export type ForeignContent = ForeignEvents | { kind: 'empty' | 'control' };

export type ForeignEvents =
  | {
      kind: 'text';
      bytes: Buffer;
      /** Label of what it is encoded in, where that is not UTF-8. */
      encoding: string | undefined;
    }
  | {
      kind: 'cloudwatch';
      /** The events' JSON as it stands in the envelope, a newline behind each. */
      bytes: Buffer;
      envelope: Envelope;
      /** Bytes of each event, newline included. */
      lengths: number[];
    };

export interface ContentOptions {
  /** Bytes of content, decompressed. */
  contentBytesMax: number;
  eventsMax: number;
  /** WHATWG label of text that is no UTF-8; without one such a record is refused. */
  encoding?: string | undefined;
}

/**
 * Decompresses a foreign record and says what it is.
 * @throws MillraceError WIRE_CORRUPT for what is neither text nor known compression, WIRE_LIMIT
 */
export function readContent(data: Buffer, options: ContentOptions): ForeignContent {
  const bytes = unpack(data, options.contentBytesMax);
  if (bytes.length === 0) return { kind: 'empty' };
  const utf8 = isUtf8(bytes);
  if (!(utf8 || options.encoding !== undefined) || looksBinary(bytes)) {
    throw new MillraceError('WIRE_CORRUPT', 'neither a Millrace block nor text nor known compression', {
      hint: 'text that is no UTF-8 needs foreign.encoding',
    });
  }
  const envelope = utf8 ? readEnvelope(bytes, options.eventsMax) : undefined;
  if (envelope === undefined) {
    return { kind: 'text', bytes, encoding: utf8 ? undefined : options.encoding };
  }
  if (envelope.kind === 'control') return { kind: 'control' };
  const lengths = envelope.events.map(({ from, to }) => to - from + 1);
  const lines = Buffer.alloc(
    lengths.reduce((sum, length) => sum + length, 0),
    0x0a,
  );
  let at = 0;
  for (const { from, to } of envelope.events) {
    lines.set(bytes.subarray(from, to), at);
    at += to - from + 1;
  }
  return lines.length === 0 ? { kind: 'empty' } : { kind: 'cloudwatch', bytes: lines, envelope, lengths };
}

const sampleBytes = 64 * 1024;
/** Of so many bytes one may be a control character that text does not hold as a rule. */
const controlEvery = 8;

/** A NUL anywhere, or many control characters at the head: protobuf, msgpack, images, what is encrypted. */
function looksBinary(bytes: Buffer): boolean {
  if (bytes.includes(0)) return true;
  const sample = bytes.subarray(0, sampleBytes);
  let controls = 0;
  for (const byte of sample)
    if ((byte < 0x20 && !(byte >= 0x09 && byte <= 0x0d) && byte !== 0x1b) || byte === 0x7f) controls++;
  return controls * controlEvery > sample.length;
}
