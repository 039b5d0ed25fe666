import type { Footer } from '@millrace/core/archive/footer.ts';

/** Decoded footers, least recently used first to go. Objects never change, so that nothing in it gets old. */
export class FooterCache {
  readonly #bytesMax: number;
  readonly #held = new Map<string, { footer: Footer; bytes: number }>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get(key: string): Footer | undefined {
    const entry = this.#held.get(key);
    if (entry === undefined) return undefined;
    this.#held.delete(key);
    this.#held.set(key, entry);
    return entry.footer;
  }

  set(key: string, footer: Footer): void {
    const before = this.#held.get(key);
    if (before !== undefined) this.#bytes -= before.bytes;
    this.#held.delete(key);
    const bytes = weightOf(footer);
    if (bytes > this.#bytesMax) return;
    this.#held.set(key, { footer, bytes });
    this.#bytes += bytes;
    for (const [oldest, entry] of this.#held) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#held.delete(oldest);
      this.#bytes -= entry.bytes;
    }
  }
}

/** Rough bytes in memory. */
function weightOf(footer: Footer): number {
  let bytes =
    500 + (footer.tokens?.length ?? 0) + footer.blocks.length * 200 + (footer.days?.length ?? 0) * 100;
  for (const source of footer.sources) {
    const stretches = source.covered.length + source.exceptions.length + (source.dated?.length ?? 0);
    bytes += 400 + source.path.length + stretches * 72;
  }
  for (const { entries } of footer.control ?? []) bytes += 100 + entries.length * 300;
  return bytes;
}
