import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { measure } from './measure.ts';

const loader = fileURLToPath(new URL('./bulk-loader.ts', import.meta.url));

const idleMsMax = 60_000;

/** The engine that a bench fills, straight by HTTP. */
export class BenchStore {
  readonly #node: string;

  constructor(node: string) {
    this.#node = node;
  }

  /** Documents a second of the bare loader. */
  async load(file: string, indices: string, count: number): Promise<number> {
    const usage = await measure(process.execPath, [loader, this.#node, file]);
    await this.settle(indices, count);
    return count / usage.wallS;
  }

  /** Documents indexed since the indices were made, refreshed or not. */
  async indexed(indices: string): Promise<number> {
    const { _all } = (await this.#call(`${indices}/_stats/indexing`)) as Stats;
    return _all?.primaries?.indexing?.index_total ?? 0;
  }

  /** Waits until so many are indexed. @throws when none is for a minute */
  async reach(indices: string, count: number): Promise<{ held: number; at: number }> {
    for (let held = 0, movedMs = performance.now(); ; await delay(100)) {
      const now = await this.indexed(indices);
      const at = performance.now();
      if (now !== held) movedMs = at;
      held = now;
      if (held >= count) return { held, at };
      if (at - movedMs > idleMsMax) throw new Error(`${indices}: ${held} documents of ${count}, and no more`);
    }
  }

  async settle(indices: string, count: number): Promise<void> {
    await this.#call(`${indices}/_refresh`, 'POST');
    const answer = (await this.#call(`${indices}/_count`)) as { count: number };
    if (answer.count !== count) throw new Error(`${indices}: ${answer.count} documents, expected ${count}`);
    await delay(3000);
  }

  /** Bytes on disk of the indices, merged into one segment each. Segment by segment: `_stats` is ten seconds old. */
  async bytes(indices: string): Promise<number> {
    for (;;) {
      // Does nothing while the engine's own merges run.
      await this.#call(`${indices}/_forcemerge?max_num_segments=1`, 'POST');
      await this.#call(`${indices}/_flush?force=true`, 'POST');
      await this.#call(`${indices}/_refresh`, 'POST');
      const segments = (await this.#call(`_cat/segments/${indices}?format=json&bytes=b`)) as Segment[];
      const shards = new Set(segments.map(({ index, shard }) => `${index}/${shard}`));
      if (shards.size === segments.length) return segments.reduce((sum, { size }) => sum + Number(size), 0);
      await delay(1000);
    }
  }

  async remove(indices: string): Promise<void> {
    // By name: Elasticsearch deletes nothing by a pattern.
    const found = (await this.#call(`_cat/indices/${indices}?format=json&h=index`)) as { index: string }[];
    for (const { index } of found) await this.#call(index, 'DELETE');
  }

  async #call(path: string, method = 'GET'): Promise<unknown> {
    const response = await fetch(`${this.#node}/${path}`, { method });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 1000)}`);
    return JSON.parse(text);
  }
}

interface Stats {
  _all?: { primaries?: { indexing?: { index_total?: number } } };
}

interface Segment {
  index: string;
  shard: string;
  size: string;
}
