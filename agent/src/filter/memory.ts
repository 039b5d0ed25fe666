/** A map that forgets what was longest unused. */
export class Memory<T> {
  readonly #max: number;
  readonly #entries = new Map<string, T>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The value, which is then the one used last. */
  get(key: string): T | undefined {
    if (this.#entries.size === 0) return undefined;
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: string, value: T): void {
    if (this.#entries.size >= this.#max && !this.#entries.has(key)) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    // Keys are often slices that would keep all they were cut from.
    this.#entries.set(detached(key), value);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}

function detached(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}
