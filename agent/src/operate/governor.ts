import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Operating } from './config.ts';

/** What the process takes of the machine. */
export interface Usage {
  /** CPU time of all threads since the start, microseconds. */
  cpuMicros(): number;
  /** Resident memory, bytes. */
  residentBytes(): number;
  /** Gives back what memory can be given back. */
  shrink(): void;
}

export interface GovernorOptions {
  limits: Pick<Operating, 'cpuShare' | 'memoryBytes' | 'readBytesPerSecond'>;
  clock: Clock;
  usage: Usage;
  /** Memory has gone over its limit, or is under it again. */
  onMemory(over: boolean, residentBytes: number): void;
}

/** Why nothing is read at the moment. */
export type Held = 'cpu_limit' | 'memory_limit' | 'rate_limit';

/** What was not used is kept for this long, and no longer. */
const burstMs = 1_000;
/** CPU time beyond the limit that is paid for later; what is more (a slow start) is forgotten. */
const debtMs = 5_000;
/** How often memory is looked at. */
const memoryMs = 500;
/** Below this part of the limit reading goes on. */
const release = 0.95;
/** How often memory is asked to shrink while it is over the limit. */
const shrinkMs = 10_000;
/** A read under a limit takes at least this much; what is too much is paid for later. */
const readBytesMin = 4096;

/** Lets reading rest when the process takes more than it may; sending and acknowledgements go on. */
export class Governor {
  readonly #options: GovernorOptions;
  /** Microseconds and bytes that may still be spent; below zero reading rests. */
  #cpuLeft = 0;
  #cpuSeen: number;
  #bytesLeft: number;
  #at: number;
  #memoryAt = Number.NEGATIVE_INFINITY;
  #shrinkAt = Number.NEGATIVE_INFINITY;
  #memoryHeld = false;

  constructor(options: GovernorOptions) {
    this.#options = options;
    this.#at = options.clock.monotonic();
    this.#cpuSeen = options.usage.cpuMicros();
    this.#bytesLeft = options.limits.readBytesPerSecond ?? 0;
  }

  get memoryHeld(): boolean {
    return this.#memoryHeld;
  }

  /** What may be read now, `bytesMax` at most. */
  allow(bytesMax: number): { bytes: number } | { waits: Held } {
    const { cpuShare, readBytesPerSecond } = this.#options.limits;
    this.look();
    if (this.#memoryHeld) return { waits: 'memory_limit' };
    this.#refill();
    if (cpuShare !== undefined && this.#cpuLeft < 0) return { waits: 'cpu_limit' };
    if (readBytesPerSecond === undefined) return { bytes: bytesMax };
    if (this.#bytesLeft <= 0) return { waits: 'rate_limit' };
    return { bytes: Math.min(bytesMax, Math.max(readBytesMin, Math.floor(this.#bytesLeft))) };
  }

  spend(bytes: number): void {
    this.#bytesLeft -= bytes;
  }

  /** Looks at the memory, if that was not done just now. */
  look(): void {
    const { limits, clock, usage, onMemory } = this.#options;
    const now = clock.monotonic();
    if (limits.memoryBytes === undefined || now < this.#memoryAt + memoryMs) return;
    this.#memoryAt = now;
    let resident = usage.residentBytes();
    if (resident > limits.memoryBytes && now >= this.#shrinkAt + shrinkMs) {
      this.#shrinkAt = now;
      usage.shrink();
      resident = usage.residentBytes();
    }
    const over = resident > limits.memoryBytes * (this.#memoryHeld ? release : 1);
    if (over === this.#memoryHeld) return;
    this.#memoryHeld = over;
    onMemory(over, resident);
  }

  #refill(): void {
    const { limits, clock, usage } = this.#options;
    const { cpuShare = 0, readBytesPerSecond = 0 } = limits;
    const now = clock.monotonic();
    const elapsed = now - this.#at;
    this.#at = now;
    this.#bytesLeft = Math.min(
      readBytesPerSecond * (burstMs / 1000),
      this.#bytesLeft + (elapsed * readBytesPerSecond) / 1000,
    );
    if (cpuShare === 0) return;
    const used = usage.cpuMicros();
    const left = this.#cpuLeft + elapsed * 1000 * cpuShare - (used - this.#cpuSeen);
    this.#cpuSeen = used;
    this.#cpuLeft = Math.max(-debtMs * 1000 * cpuShare, Math.min(burstMs * 1000 * cpuShare, left));
  }
}
