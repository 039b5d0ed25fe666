import { MillraceError } from '../errors.ts';
import { generationBytes } from '../ids/generation.ts';
import { offsetMax, timeMsMax } from './block.ts';
import { type ByteReader, ByteWriter } from './varint.ts';

/** What an agent says beside its runs: that it lives, and what it sees of files (D8). Times in ms since 1970. */
export type ControlEntry =
  /** Another follows within about `intervalMs`, unless it says that it has stopped. */
  | { kind: 'heartbeat'; atMs: number; intervalMs: number }
  /** The agent has ended in good order: no heartbeat follows. */
  | { kind: 'stopped'; atMs: number }
  | Sighting;

/** One generation as the agent saw it at `atMs`. */
export interface Sighting {
  /**
   * - `seen`: the file is there.
   * - `vanished`: its bytes from `position` to `size` were destroyed before they could be read.
   * - `closed`: it left its pattern and is read to its end; `deleted`: and has no name any more.
   */
  kind: 'seen' | 'vanished' | 'closed' | 'deleted';
  atMs: number;
  /** 16 bytes. */
  generation: Uint8Array;
  path: string;
  tag: string;
  /** Bytes of content, as far as it was seen. */
  size: number;
  /** Everything before this offset is in blocks (or was dropped by a rule). */
  position: number;
}

const kinds = { heartbeat: 1, stopped: 2, seen: 3, vanished: 4, closed: 5, deleted: 6 } as const;
const sightings: Readonly<Record<number, Sighting['kind']>> = {
  3: 'seen',
  4: 'vanished',
  5: 'closed',
  6: 'deleted',
};
export const controlMax = 16_384;

export function controlValue(entry: ControlEntry, baseMs: number): Buffer {
  const out = new ByteWriter().varint(kinds[entry.kind]).zigzag(entry.atMs - baseMs);
  if (entry.kind === 'heartbeat') out.varint(entry.intervalMs);
  else if (entry.kind !== 'stopped') {
    out.raw(entry.generation).varint(entry.size).varint(entry.position);
    out.sized(entry.path).sized(entry.tag);
  }
  return out.bytes();
}

/**
 * Undefined for a kind that a newer agent knows.
 * @throws MillraceError WIRE_CORRUPT or WIRE_LIMIT
 */
export function readControl(value: ByteReader, baseMs: number): ControlEntry | undefined {
  const kind = value.varint();
  const atMs = baseMs + value.zigzag();
  if (!(atMs >= 0 && atMs <= timeMsMax))
    throw new MillraceError('WIRE_CORRUPT', `control entry at ${atMs} ms`);
  const entry = entryOf(kind, atMs, value);
  if (entry) value.fields(() => false);
  return entry;
}

function entryOf(kind: number, atMs: number, value: ByteReader): ControlEntry | undefined {
  if (kind === kinds.heartbeat) return { kind: 'heartbeat', atMs, intervalMs: value.varint() };
  if (kind === kinds.stopped) return { kind: 'stopped', atMs };
  const sighting = sightings[kind];
  if (sighting === undefined) return undefined;
  const generation = value.raw(generationBytes);
  const size = value.varint();
  const position = value.varint();
  const path = value.text();
  const tag = value.text();
  if (size > offsetMax || position > offsetMax)
    throw new MillraceError('WIRE_CORRUPT', 'control entry beyond the largest offset');
  if (path.length > 4096 || tag.length > 8192)
    throw new MillraceError('WIRE_LIMIT', 'path or tag is too long');
  return { kind: sighting, atMs, generation, path, tag, size, position };
}
