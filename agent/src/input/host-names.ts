import { reverse } from 'node:dns/promises';
import type { Clock } from '@millrace/core/runtime/clock.ts';

const keptMax = 10_000;
const keepMs = 600_000;
const lookupMs = 5_000;
/** Lookups under way; whoever comes beyond them stands for itself. */
const lookupsMax = 100;

/** Names of addresses, as DNS has them; an address without one stands for itself. */
export class HostNames {
  readonly #clock: Clock;
  readonly #lookup: (address: string) => Promise<string[]>;
  readonly #known = new Map<string, { name: Promise<string>; untilMs: number }>();
  #lookups = 0;

  constructor(clock: Clock, lookup: (address: string) => Promise<string[]> = reverse) {
    this.#clock = clock;
    this.#lookup = lookup;
  }

  /** Never rejects; after 5 s without an answer it is the address. */
  nameOf(address: string): Promise<string> {
    const known = this.#known.get(address);
    const now = this.#clock.monotonic();
    if (known && known.untilMs > now) return known.name;
    this.#known.delete(address);
    if (this.#lookups >= lookupsMax) return Promise.resolve(address);
    const name = this.#ask(address);
    this.#known.set(address, { name, untilMs: now + keepMs });
    const [oldest] = this.#known.keys();
    if (this.#known.size > keptMax && oldest !== undefined) this.#known.delete(oldest);
    return name;
  }

  async #ask(address: string): Promise<string> {
    this.#lookups++;
    const late = new AbortController();
    const none = this.#clock.sleep(lookupMs, late.signal).then(() => undefined);
    const found = this.#lookup(address).then(
      ([first]) => first,
      () => undefined, // no name is the usual case, and no fault
    );
    const name = await Promise.race([found, none]);
    late.abort();
    this.#lookups--;
    return name ?? address;
  }
}
