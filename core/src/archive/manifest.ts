import { crc32 } from 'node:zlib';
import { MillraceError } from '../errors.ts';
import { ByteReader, ByteWriter } from '../wire/varint.ts';
import { footerFrameBytesMax } from './footer.ts';
import { archiveHourPrefix } from './key.ts';

/**
 * Footers of one hour in one object (D6): a cache, so that a reader asks once instead of once an object. It says
 * nothing that the objects do not say.
 */
export interface ManifestEntry {
  /** Key of the archive object, below the folder of its hour. */
  name: string;
  /** Size of the archive object. */
  bytes: number;
  /** The last bytes of the object: its footer frame. */
  frame: Uint8Array;
}

const magic = Buffer.from('MRM1', 'latin1');
const headBytes = 8;

/** A longer one is not read. */
export const manifestBytesMax = 32 * 1024 * 1024;
const entriesMax = 65_536;
const nameBytesMax = 1_024;

const kept = /^(.*)archive\/(.*)$/s;

/** `<prefix>manifests/<stream>/YYYY/MM/DD/HH/`; `timeMs` is any time in that hour. */
export function manifestHourPrefix(prefix: string, stream: string, timeMs: number): string {
  const hour = archiveHourPrefix('', stream, timeMs);
  return `${prefix}manifests/${kept.exec(hour)?.[2] ?? ''}`;
}

/** The folder of a stream's manifests, `/` at the end. */
export function manifestStreamPrefix(prefix: string, stream: string): string {
  return `${prefix}manifests/${stream}/`;
}

/** Start of the hour of a manifest's key, milliseconds since 1970; undefined for any other key. */
export function manifestHour(key: string, prefix: string): number | undefined {
  if (!key.startsWith(`${prefix}manifests/`)) return undefined;
  const match = /^[a-z0-9_]{1,100}\/(\d{4})\/(\d\d)\/(\d\d)\/(\d\d)\/[0-9a-f]{16}\.mrm$/.exec(
    key.slice(prefix.length + 'manifests/'.length),
  );
  if (match === null) return undefined;
  const start = Date.parse(`${match[1]}-${match[2]}-${match[3]}T${match[4]}:00:00Z`);
  return Number.isNaN(start) ? undefined : start;
}

export function encodeManifest(entries: ManifestEntry[]): Buffer {
  const out = new ByteWriter();
  for (const { name, bytes, frame } of entries) out.sized(name).varint(bytes).sized(frame);
  const body = out.bytes();
  const sum = Buffer.allocUnsafe(4);
  sum.writeUInt32LE(crc32(body));
  return Buffer.concat([magic, sum, body]);
}

/** @throws MillraceError ARCHIVE_CORRUPT */
export function decodeManifest(bytes: Uint8Array): ManifestEntry[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.length < headBytes || !view.subarray(0, magic.length).equals(magic)) throw corrupt('it is none');
  if (crc32(view.subarray(headBytes)) !== view.readUInt32LE(4)) throw corrupt('its checksum is wrong');
  const reader = new ByteReader(view, headBytes);
  const entries: ManifestEntry[] = [];
  while (!reader.done) {
    const entry = { name: reader.text(), bytes: reader.varint(), frame: reader.sized() };
    if (
      entry.name.length > nameBytesMax ||
      entry.frame.length > footerFrameBytesMax ||
      entries.length >= entriesMax
    ) {
      throw corrupt('an entry is out of bounds');
    }
    entries.push(entry);
  }
  return entries;
}

function corrupt(what: string): MillraceError {
  return new MillraceError('ARCHIVE_CORRUPT', `manifest: ${what}`);
}
