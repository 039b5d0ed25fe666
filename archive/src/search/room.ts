/** Before anything is known: of lines that compress well, all are hits. */
const shareAtFirst = 60;

/** How much of the memory for hits that wait is taken by what is looked at ahead, by what was found before. */
export class Room {
  readonly #bytesMax: number;
  /** Bytes of hits that a byte of the archive makes. */
  #share = shareAtFirst;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Whether so many bytes of the archive are more than should be looked at in one go. */
  isMuch(bytes: number): boolean {
    return bytes * this.#share > this.#bytesMax / 8;
  }

  /** Whether the hits of so many bytes of the archive fit beside those that wait. */
  fits(bytes: number, waiting: number): boolean {
    return waiting + bytes * this.#share <= this.#bytesMax / 2;
  }

  learn(bytes: number, found: number): void {
    this.#share = Math.max(found / Math.max(1, bytes), this.#share / 2);
  }
}
