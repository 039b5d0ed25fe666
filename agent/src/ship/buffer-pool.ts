/**
 * Large buffers that are used again: V8 hears of each new one as memory outside its heap, and walks the whole heap for
 * every few dozen megabytes of them. It keeps as many as were ever out at once.
 */
export class BufferPool {
  readonly #free: Buffer[] = [];

  /** A buffer of at least `size` bytes with anything in it. */
  take(size: number): Buffer {
    const index = this.#free.findIndex((buffer) => buffer.length >= size);
    // One that is too small makes room for its larger successor.
    const [free] = this.#free.splice(Math.max(0, index), 1);
    return free && index >= 0 ? free : Buffer.allocUnsafeSlow(Math.ceil(size / granule) * granule);
  }

  /** Takes back a buffer that nothing refers to any more. One that never comes back is collected. */
  give(buffer: Buffer): void {
    this.#free.push(buffer);
  }
}

const granule = 512 * 1024;
