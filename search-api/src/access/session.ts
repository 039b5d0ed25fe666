import { createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { EncryptJWT, jwtDecrypt } from 'jose';

/** Somebody who logged in. It lives in a cookie that only this server can read; nothing of it is kept here. */
export interface Session {
  subject: string;
  /** Value of the role; what it may is looked up with every request, so that a changed role counts at once. */
  role: string;
  /** What requests that change something have to repeat. */
  csrf: string;
  startedMs: number;
  seenMs: number;
}

export interface SessionTimes {
  idleMs: number;
  absoluteMs: number;
}

const encryption = { alg: 'dir', enc: 'A256GCM' } as const;
const issuer = 'millrace';
/** A cookie is written anew when it is older than this. */
const renewMs = 60_000;

/** Makes and reads encrypted texts for cookies. */
export class Seals {
  readonly #keys: KeyObject[];
  readonly #clock: Clock;

  /** The first key encrypts, each may decrypt; without one, one is made that nobody else has. */
  constructor(keys: readonly Uint8Array[], clock: Clock) {
    this.#clock = clock;
    const all = keys.length > 0 ? keys : [clock.bytes(32)];
    this.#keys = all.map((key) => createSecretKey(key));
  }

  /** `purpose`: a text that was made for one is worth nothing for another. */
  async seal(purpose: string, content: Record<string, unknown>, untilMs: number): Promise<string> {
    const [key] = this.#keys;
    if (key === undefined) throw new TypeError('there is a key always');
    return await new EncryptJWT({ c: content })
      .setProtectedHeader(encryption)
      .setIssuer(issuer)
      .setAudience(purpose)
      .setExpirationTime(Math.ceil(untilMs / 1000))
      .encrypt(key);
  }

  /** Undefined: not ours, altered, for something else, or too old. */
  async open(purpose: string, text: string): Promise<Record<string, unknown> | undefined> {
    for (const key of this.#keys) {
      try {
        const { payload } = await jwtDecrypt(text, key, {
          issuer,
          audience: purpose,
          currentDate: new Date(this.#clock.now()),
          keyManagementAlgorithms: [encryption.alg],
          contentEncryptionAlgorithms: [encryption.enc],
        });
        return payload.c as Record<string, unknown>;
      } catch {
        // Of an older key, perhaps: the next one is tried.
      }
    }
    return undefined;
  }
}

/** Sessions as texts for a cookie. */
export class Sessions {
  readonly #seals: Seals;
  readonly #clock: Clock;
  readonly #times: SessionTimes;

  constructor(seals: Seals, clock: Clock, times: SessionTimes) {
    this.#seals = seals;
    this.#clock = clock;
    this.#times = times;
  }

  async start(subject: string, role: string): Promise<string> {
    const nowMs = this.#clock.now();
    const csrf = Buffer.from(this.#clock.bytes(16)).toString('base64url');
    return await this.#text({ subject, role, csrf, startedMs: nowMs, seenMs: nowMs });
  }

  /** Undefined: log in anew. */
  async read(text: string): Promise<Session | undefined> {
    const content = await this.#seals.open('session', text);
    if (content === undefined) return undefined;
    const session = content as unknown as Session;
    return this.expiresMs(session) > this.#clock.now() ? session : undefined;
  }

  /** The text for a session that is in use; undefined: the one that there is will do for now. */
  async renewed(session: Session): Promise<string | undefined> {
    const nowMs = this.#clock.now();
    return nowMs - session.seenMs < renewMs ? undefined : await this.#text({ ...session, seenMs: nowMs });
  }

  expiresMs({ seenMs, startedMs }: Session): number {
    return Math.min(seenMs + this.#times.idleMs, startedMs + this.#times.absoluteMs);
  }

  #text(session: Session): Promise<string> {
    return this.#seals.seal('session', { ...session }, this.expiresMs(session));
  }
}

/** Whether a request has repeated what only the page of this session knows. */
export function isCsrfToken(session: Session, text: unknown): boolean {
  if (typeof text !== 'string') return false;
  const wanted = Buffer.from(session.csrf);
  const found = Buffer.from(text);
  return wanted.length === found.length && timingSafeEqual(wanted, found);
}

/** @throws MillraceError CONFIG_INVALID */
export function readSessionKeys(files: readonly string[]): Uint8Array[] {
  return files.map((file) => {
    const key = Buffer.from(readSecret(file), 'base64');
    if (key.length === 32) return key;
    throw new MillraceError('CONFIG_INVALID', `${file}: a session key has 32 bytes, this has ${key.length}`, {
      hint: `openssl rand -base64 32 > ${file}`,
    });
  });
}

/** @throws MillraceError CONFIG_INVALID */
export function readSecret(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new MillraceError('CONFIG_INVALID', `${file}: ${messageOf(cause)}`, { cause });
  }
}
