import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '@millrace/core/runtime/clock.ts';

/** `mr_<id>_<secret>`; ids have no `_`. The secret is 256 bits, base64url. */
const form = /^mr_([A-Za-z0-9-]{1,64})_[A-Za-z0-9_-]{43}$/;

/** A new key; what is kept of it is its digest alone. */
export function makeKey(id: string, clock: Pick<Clock, 'bytes'>): { key: string; sha256: string } {
  const key = `mr_${id}_${Buffer.from(clock.bytes(32)).toString('base64url')}`;
  return { key, sha256: digestOf(key) };
}

/** 60 bits: a thousand keys of one store do not meet. */
export function makeKeyId(clock: Pick<Clock, 'bytes'>): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567';
  return [...clock.bytes(12)].map((byte) => letters[byte & 31]).join('');
}

/** The id in a key's text; undefined: this is no key. */
export function idOfKey(key: string): string | undefined {
  return form.exec(key)?.[1];
}

/** Takes the same time wherever the two differ, and when there is no digest to compare with. */
export function isKeyOf(key: string, sha256: string | undefined): boolean {
  const wanted = Buffer.from(sha256 ?? '0'.repeat(64), 'hex');
  const found = Buffer.from(digestOf(key), 'hex');
  return wanted.length === found.length && timingSafeEqual(wanted, found) && sha256 !== undefined;
}

function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
