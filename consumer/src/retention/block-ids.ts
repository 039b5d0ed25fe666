/** Block ids seen, 12 of their 16 bytes: millions of them in typed arrays, where a Set would need gigabytes. */
export class BlockIds {
  #slots = new Uint32Array(3 * 1024);
  #count = 0;

  /** `id`: 32 hexadecimal digits. True when it was there already. */
  add(id: string): boolean {
    if ((this.#count + 1) * 6 > this.#slots.length) this.#grow();
    const words = [0, 8, 16].map((at) => Number.parseInt(id.slice(at, at + 8), 16) >>> 0);
    const [a = 0, b = 0, c = 0] = words;
    // All zeros stands for an empty slot.
    const found = put(this.#slots, a, b, c === 0 ? 1 : c);
    if (!found) this.#count++;
    return found;
  }

  #grow(): void {
    const larger = new Uint32Array(this.#slots.length * 2);
    for (let i = 0; i < this.#slots.length; i += 3) {
      const [a = 0, b = 0, c = 0] = this.#slots.subarray(i, i + 3);
      if (c !== 0) put(larger, a, b, c);
    }
    this.#slots = larger;
  }
}

function put(slots: Uint32Array, a: number, b: number, c: number): boolean {
  const places = slots.length / 3;
  for (let place = a % places; ; place = (place + 1) % places) {
    const at = place * 3;
    if (slots[at + 2] === 0) {
      slots[at] = a;
      slots[at + 1] = b;
      slots[at + 2] = c;
      return false;
    }
    if (slots[at] === a && slots[at + 1] === b && slots[at + 2] === c) return true;
  }
}
