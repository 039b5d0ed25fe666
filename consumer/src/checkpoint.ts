/**
 * Which sequence number a shard's checkpoint may name: the last one up to which every record is held durably,
 * in a completed archive object or set aside (D5). Pure bookkeeping; sends nothing itself.
 *
 * Records of several streams interleave in a shard while their objects complete in any order, so the checkpoint
 * is the end of the longest prefix whose holders are all durable. Neighbouring records of one holder are one entry:
 * memory grows with changes of holder, not with records.
 */
export class Checkpoint {
  readonly #entries: { holder: object; last: string; firstMs: number }[] = [];
  readonly #durable = new WeakSet<object>();
  /** Entries before this index are covered and only wait to be cut off. */
  #head = 0;
  #covered: string | undefined;
  #sent: string | undefined;
  /** Arrival of the first record that is covered and not sent. */
  #unsentMs: number | undefined;

  /**
   * A record was delivered; it is durable when `holder` is. Called in the order of delivery. `arrivalMs`: when Kinesis
   * received it.
   */
  delivered(sequence: string, holder: object, arrivalMs: number): void {
    const last = this.#entries.at(-1);
    if (last !== undefined && last.holder === holder && this.#head < this.#entries.length)
      last.last = sequence;
    else this.#entries.push({ holder, last: sequence, firstMs: arrivalMs });
    this.#advance();
  }

  /** Everything that `holder` holds is durable now, and nothing more will be given to it. */
  durable(holder: object): void {
    this.#durable.add(holder);
    this.#advance();
  }

  /** Sequence number to checkpoint now; undefined when there is nothing new. */
  due(): string | undefined {
    return this.#covered === this.#sent ? undefined : this.#covered;
  }

  /** KCL took a checkpoint of this sequence number. */
  sent(sequence: string): void {
    this.#sent = sequence;
    if (sequence === this.#covered) this.#unsentMs = undefined;
  }

  /** True when every delivered record is durable. */
  get complete(): boolean {
    return this.#head === this.#entries.length;
  }

  /** When Kinesis received the first record that no checkpoint covers yet; undefined when all are covered. */
  get uncoveredSinceMs(): number | undefined {
    return this.#unsentMs ?? this.#entries[this.#head]?.firstMs;
  }

  #advance(): void {
    for (let entry = this.#entries[this.#head]; entry !== undefined; entry = this.#entries[++this.#head]) {
      if (!this.#durable.has(entry.holder)) break;
      this.#covered = entry.last;
      this.#unsentMs ??= entry.firstMs;
    }
    if (this.#head === this.#entries.length || this.#head > 1_000) {
      this.#entries.splice(0, this.#head);
      this.#head = 0;
    }
  }
}
