import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Intake, Note } from '../../input/input.ts';
import { Refusal, tryLater } from './refusal.ts';

const dayMs = 86_400_000;

/** An `<api_key>`. */
export interface ApiKey {
  name: string;
  /** SHA-256 of the key, hex. */
  sha256: string;
  /** Tags it may send to: any of them matches; none: all. */
  tags: RegExp[];
  eventsPerSecond: number | undefined;
  bytesPerSecond: number | undefined;
  bytesPerDay: number | undefined;
}

/** Who a request comes from, and what it may send. */
export class Client {
  readonly name: string;
  readonly #key: ApiKey;
  readonly #clock: Clock;
  readonly #intake: Intake;
  readonly #note: string;
  readonly #buckets: { of: 'events' | 'bytes'; bucket: Bucket }[] = [];
  #day = -1;
  #bytes = 0;

  constructor(source: string, key: ApiKey, clock: Clock, intake: Intake) {
    this.name = key.name;
    this.#key = key;
    this.#clock = clock;
    this.#intake = intake;
    this.#note = `http-day ${source} ${key.sha256}`;
    if (key.eventsPerSecond !== undefined)
      this.#buckets.push({ of: 'events', bucket: new Bucket(key.eventsPerSecond, clock) });
    if (key.bytesPerSecond !== undefined)
      this.#buckets.push({ of: 'bytes', bucket: new Bucket(key.bytesPerSecond, clock) });
  }

  /** @throws Refusal 403 */
  mayTag(tag: string): void {
    const { tags } = this.#key;
    if (tags.length > 0 && !tags.some((pattern) => pattern.test(tag)))
      throw new Refusal(403, `the key ${this.name} may not send to tag "${tag}"`);
  }

  /**
   * Counts what is about to be taken; the notes are to be stored with it, so that a day's count outlives the process.
   * @throws Refusal 429 when it is over a limit: nothing is counted then
   */
  count(amounts: { events: number; bytes: number }): Note[] {
    const { bytesPerDay } = this.#key;
    for (const { of, bucket } of this.#buckets) {
      const waitMs = bucket.waitMs(amounts[of]);
      if (waitMs > 0) throw tryLater(`the key ${this.name} has sent its ${of}_per_second`, waitMs / 1000);
    }
    const note = bytesPerDay === undefined ? [] : this.#countDay(amounts.bytes, bytesPerDay);
    for (const { of, bucket } of this.#buckets) bucket.take(amounts[of]);
    return note;
  }

  #countDay(bytes: number, bytesMax: number): Note[] {
    const now = this.#clock.now();
    const day = Math.floor(now / dayMs);
    if (day !== this.#day) {
      const [kept, count] = (this.#intake.note(this.#note) ?? '').split(' ');
      this.#day = day;
      this.#bytes = Number(kept) === day ? Number(count) : 0;
    }
    if (this.#bytes + bytes > bytesMax)
      throw tryLater(`the key ${this.name} has sent its bytes_per_day`, ((day + 1) * dayMs - now) / 1000);
    this.#bytes += bytes;
    return [{ key: this.#note, value: `${day} ${this.#bytes}`, keepMs: 2 * dayMs }];
  }
}

/** Lets an amount through a second, and ten seconds' worth at once after a pause. */
class Bucket {
  readonly #rate: number;
  readonly #clock: Clock;
  #left: number;
  #at: number;

  constructor(rate: number, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
    this.#left = rate * 10;
    this.#at = clock.monotonic();
  }

  /** What is more than a full bucket needs a full one, and leaves a debt. */
  waitMs(amount: number): number {
    const now = this.#clock.monotonic();
    this.#left = Math.min(this.#rate * 10, this.#left + ((now - this.#at) / 1000) * this.#rate);
    this.#at = now;
    const missing = Math.min(amount, this.#rate * 10) - this.#left;
    return missing <= 0 ? 0 : (missing / this.#rate) * 1000;
  }

  take(amount: number): void {
    this.#left -= amount;
  }
}

/** The clients of one source. */
export class ApiKeys {
  readonly #clients: ReadonlyMap<string, Client>;

  constructor(source: string, keys: ApiKey[], clock: Clock, intake: Intake) {
    this.#clients = new Map(keys.map((key) => [key.sha256, new Client(source, key, clock, intake)]));
  }

  /** Undefined where nobody needs a key. @throws Refusal 401 */
  clientOf(request: IncomingMessage, query: URLSearchParams): Client | undefined {
    if (this.#clients.size === 0) return undefined;
    const [, bearer] = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    const header = request.headers['x-api-key'];
    const key =
      bearer ?? (typeof header === 'string' ? header : undefined) ?? query.get('api_key') ?? undefined;
    // Found by its hash: how long that takes says nothing about the keys.
    const client = key === undefined ? undefined : this.#clients.get(sha256(key));
    if (client) return client;
    throw new Refusal(401, key === undefined ? 'an API key is required' : 'the API key is not known', {
      headers: { 'www-authenticate': 'Bearer' },
    });
  }
}

export function sha256(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
