/** What has become of an output's blocks since the start; bytes are those of blocks unless they say otherwise. */
export interface Delivered {
  pendingBlocks: number;
  pendingBytes: number;
  blocks: number;
  bytes: number;
  /** Bytes of files and events that the delivered blocks stand for. */
  sourceBytes: number;
  /** Wall clock of the last acknowledgement, milliseconds; undefined: none since the start. */
  lastMs: number | undefined;
}

interface Block {
  output: string;
  size: number;
  runs: { from: number; to: number }[];
}

/** Counts blocks by output as they come and are acknowledged. */
export class Deliveries {
  readonly #outputs = new Map<string, Delivered>();

  of(output: string): Delivered {
    let counts = this.#outputs.get(output);
    if (counts === undefined) {
      counts = { pendingBlocks: 0, pendingBytes: 0, blocks: 0, bytes: 0, sourceBytes: 0, lastMs: undefined };
      this.#outputs.set(output, counts);
    }
    return counts;
  }

  /** Those of outputs that the configuration no longer has included. */
  all(): Iterable<[string, Delivered]> {
    return this.#outputs;
  }

  came({ output, size }: Block): void {
    const counts = this.of(output);
    counts.pendingBlocks++;
    counts.pendingBytes += size;
  }

  acknowledged({ output, size, runs }: Block, nowMs: number): void {
    const counts = this.of(output);
    counts.pendingBlocks--;
    counts.pendingBytes -= size;
    counts.blocks++;
    counts.bytes += size;
    for (const { from, to } of runs) counts.sourceBytes += to - from;
    counts.lastMs = nowMs;
  }
}
