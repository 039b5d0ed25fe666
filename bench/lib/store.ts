import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { measure } from './measure.ts';

const loader = fileURLToPath(new URL('./bulk-loader.ts', import.meta.url));

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

  async settle(indices: string, count: number): Promise<void> {
    await this.#call(`${indices}/_refresh`, 'POST');
    const answer = (await this.#call(`${indices}/_count`)) as { count: number };
    if (answer.count !== count) throw new Error(`${indices}: ${answer.count} documents, expected ${count}`);
    await delay(3000);
  }

  /** Bytes on disk of the indices, merged into one segment. */
  async bytes(indices: string): Promise<number> {
    await this.#call(`${indices}/_forcemerge?max_num_segments=1`, 'POST');
    await this.#call(`${indices}/_flush?force=true`, 'POST');
    const { _all } = (await this.#call(`${indices}/_stats/store`)) as Stats;
    return _all?.primaries?.store?.size_in_bytes ?? 0;
  }

  async remove(indices: string): Promise<void> {
    await this.#call(indices, 'DELETE');
  }

  async #call(path: string, method = 'GET'): Promise<unknown> {
    const response = await fetch(`${this.#node}/${path}`, { method });
    return response.json();
  }
}

interface Stats {
  _all?: { primaries?: { indexing?: { index_total?: number }; store?: { size_in_bytes?: number } } };
}
