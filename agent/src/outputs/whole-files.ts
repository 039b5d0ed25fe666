import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32, deflateRawSync, gunzipSync } from 'node:zlib';

/** What has to stay whole, whatever happens in the middle of a write; `text`: nothing that could be seen. */
type Form = 'lines' | 'text' | 'gzip';

/** Where files end that hold nothing torn, as far as this process has seen; the latest ones. */
const ends = new Map<string, number>();
const endsMax = 1_000;
/** One at a time in a file, whichever outputs write to it. */
const turns = new Map<string, Promise<void>>();

/**
 * What is appended for one block: all of it, or nothing where that can be helped. Before the first byte, what a crash
 * tore at a file's end is made whole: an unfinished line gets its line feed, an unfinished gzip member is cut off (none of
 * it was acknowledged).
 */
export class BlockAppend {
  readonly #written = new Map<string, { from: number; to: number }>();

  async append(path: string, text: string, gzip: boolean): Promise<void> {
    const form = gzip ? 'gzip' : text.endsWith('\n') ? 'lines' : 'text';
    const content = gzip ? gzipMember(Buffer.from(text)) : Buffer.from(text);
    await inTurn(path, () => this.#append(path, content, form));
  }

  /** To the disk. */
  async flush(): Promise<void> {
    for (const [path, { from }] of this.#written) {
      await sync(path, 'r+');
      if (from === 0) await sync(dirname(path), 'r');
    }
  }

  /** Takes back what was appended where nobody has appended since, so that it is not there twice when it is written again. */
  async takeBack(): Promise<void> {
    for (const [path, { from, to }] of this.#written) {
      await inTurn(path, async () => {
        const handle = await open(path, 'r+');
        try {
          if ((await handle.stat()).size !== to) return;
          await handle.truncate(from);
          // What is before may be torn: it is looked at again.
          ends.delete(path);
        } finally {
          await handle.close();
        }
      });
    }
  }

  async #append(path: string, content: Buffer, form: Form): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(path, 'a+');
    try {
      const { size } = await handle.stat();
      const mended = ends.get(path) === size ? { end: size, before: '' } : await mend(handle, size, form);
      const whole = mended.before === '' ? content : Buffer.concat([Buffer.from(mended.before), content]);
      const { from } = this.#written.get(path) ?? { from: mended.end };
      for (let done = 0; done < whole.length; ) {
        done += (await handle.write(whole, done)).bytesWritten;
        this.#written.set(path, { from, to: mended.end + done });
      }
      remember(path, mended.end + whole.length);
    } finally {
      await handle.close();
    }
  }
}

/** Where to go on, and what has to be written there first. */
async function mend(handle: FileHandle, size: number, form: Form): Promise<{ end: number; before: string }> {
  if (size === 0 || form === 'text') return { end: size, before: '' };
  if (form === 'gzip') {
    const end = await wholeMembersEnd(handle, size);
    if (end < size) await handle.truncate(end);
    return { end, before: '' };
  }
  const [last] = await read(handle, size - 1, 1);
  return { end: size, before: last === 0x0a ? '' : '\n' };
}

async function inTurn(path: string, action: () => Promise<void>): Promise<void> {
  const before = turns.get(path) ?? Promise.resolve();
  const mine = before.then(action);
  const settled = mine.catch(() => {});
  turns.set(path, settled);
  try {
    await mine;
  } finally {
    if (turns.get(path) === settled) turns.delete(path);
  }
}

function remember(path: string, end: number): void {
  ends.delete(path);
  ends.set(path, end);
  const [oldest] = ends.keys();
  if (ends.size > endsMax && oldest !== undefined) ends.delete(oldest);
}

/**
 * A gzip member that says its own size, in a field that others skip (RFC 1952, 2.3.1.1): so the end of the last whole one is
 * found without decompressing all of them.
 */
const memberHead = Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 3, 8, 0, 0x4d, 0x52, 4, 0]);
const memberHeadBytes = memberHead.length + 4;
const memberTailBytes = 8;

function gzipMember(content: Buffer): Buffer {
  const body = deflateRawSync(content);
  const member = Buffer.alloc(memberHeadBytes + body.length + memberTailBytes);
  memberHead.copy(member);
  member.writeUInt32LE(member.length, memberHead.length);
  body.copy(member, memberHeadBytes);
  member.writeUInt32LE(crc32(content), member.length - memberTailBytes);
  member.writeUInt32LE(content.length % 2 ** 32, member.length - memberTailBytes / 2);
  return member;
}

/** The file's size where it holds what is none of ours: nothing of it is cut off. */
async function wholeMembersEnd(handle: FileHandle, size: number): Promise<number> {
  let last = 0;
  let at = 0;
  while (at < size) {
    const head = await read(handle, at, Math.min(memberHeadBytes, size - at));
    const differs = memberHead.findIndex((byte, i) => i < head.length && byte !== head[i]);
    if (differs >= 0) {
      // A power cut can leave zeros where nothing reached the disk.
      if (head.subarray(differs).some((byte) => byte !== 0)) return size;
      break;
    }
    const length = head.length < memberHeadBytes ? 0 : head.readUInt32LE(memberHead.length);
    if (length <= memberHeadBytes || at + length > size) break;
    last = at;
    at += length;
  }
  return at === 0 || isWhole(await read(handle, last, at - last)) ? at : last;
}

function isWhole(member: Buffer): boolean {
  try {
    gunzipSync(member);
    return true;
  } catch {
    return false;
  }
}

async function read(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, at);
  return buffer.subarray(0, bytesRead);
}

async function sync(path: string, flags: string): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
