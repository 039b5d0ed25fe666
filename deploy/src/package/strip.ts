import { MillraceError } from '@millrace/core/errors.ts';

const headerBytes = 64;
const sectionBytes = 64;
const programBytes = 56;
const allocated = 2n;
const noBits = 8;

/**
 * A 64-bit little-endian ELF executable without what only debuggers read: the sections that are not loaded, which lie
 * behind those that are. Done here because binutils on one machine rarely knows executables of another architecture.
 * @throws MillraceError ENGINE_FAILED for a file of another kind
 */
export function stripElf(file: Buffer): Buffer {
  if (file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) {
    throw new MillraceError('ENGINE_FAILED', 'not a 64-bit little-endian ELF executable');
  }
  const table = Number(file.readBigUInt64LE(40));
  const count = file.readUInt16LE(60);
  const sections = Array.from({ length: count }, (_, i) =>
    file.subarray(table + i * sectionBytes, table + (i + 1) * sectionBytes),
  );
  const names = sections[file.readUInt16LE(62)];
  // The first section header is empty by definition.
  const firstUnloaded = sections.findIndex((section, i) => i > 0 && !isLoaded(section));
  const kept = sections.slice(0, firstUnloaded);
  if (names === undefined || firstUnloaded < 0 || sections.slice(firstUnloaded).some(isLoaded)) {
    throw new MillraceError('ENGINE_FAILED', 'an ELF executable whose sections are in an unknown order');
  }
  const end = Math.max(headerBytes, ...kept.slice(1).map(sectionEnd), ...segmentEnds(file));
  const nameBytes = file.subarray(Number(names.readBigUInt64LE(24)), sectionEnd(names));
  const padding = Buffer.alloc((8 - ((end + nameBytes.length) % 8)) % 8);
  const namesHeader = Buffer.from(names);
  namesHeader.writeBigUInt64LE(BigInt(end), 24);
  const header = Buffer.from(file.subarray(0, headerBytes));
  header.writeBigUInt64LE(BigInt(end + nameBytes.length + padding.length), 40);
  header.writeUInt16LE(kept.length + 1, 60);
  header.writeUInt16LE(kept.length, 62);
  return Buffer.concat([header, file.subarray(headerBytes, end), nameBytes, padding, ...kept, namesHeader]);
}

function isLoaded(section: Buffer): boolean {
  return (section.readBigUInt64LE(8) & allocated) !== 0n;
}

/** Where the section's bytes end in the file. */
function sectionEnd(section: Buffer): number {
  const size = section.readUInt32LE(4) === noBits ? 0n : section.readBigUInt64LE(32);
  return Number(section.readBigUInt64LE(24) + size);
}

/** Where the loaded segments end in the file. */
function segmentEnds(file: Buffer): number[] {
  const table = Number(file.readBigUInt64LE(32));
  return Array.from({ length: file.readUInt16LE(56) }, (_, i) => {
    const at = table + i * programBytes;
    return Number(file.readBigUInt64LE(at + 8) + file.readBigUInt64LE(at + 32));
  });
}
