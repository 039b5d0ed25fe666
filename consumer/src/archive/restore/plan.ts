import type { CatalogEntry } from '@millrace/archive/catalog.ts';
import type { Selector } from '@millrace/archive/select.ts';
import type { FooterSource } from '@millrace/core/archive/footer.ts';

/** One life of a file (a generation), as the footers tell of it. */
export interface Life {
  /** 32 hexadecimal digits. */
  generation: string;
  host: string;
  /** Of its first bytes that match. */
  path: string;
  /** Bytes that its file will have, as far as footers tell. */
  bytes: number;
  /** Objects that hold something of it. */
  objects: Set<number>;
}

/** The lives to restore, oldest first, and the objects that hold them, in key order. */
export interface Plan {
  lives: Life[];
  objects: { key: string; bytes: number }[];
}

/**
 * A file is known by its lives: one that was matched is restored from everything that was read of it, also under the name
 * that it was rotated to. `generation`: only those whose hexadecimal digits begin so.
 */
export async function planRestore(
  entries: AsyncIterable<CatalogEntry>,
  selector: Selector,
  generation = '',
): Promise<Plan> {
  const lives = new Map<string, Found>();
  const objects: Plan['objects'] = [];
  for await (const { key, bytes, footer } of entries) {
    let index: number | undefined;
    for (const source of footer.sources) {
      // Also what does not match: it may be another name of a life that matches elsewhere.
      if (!selector.host(source.host)) continue;
      const id = idOf(source);
      if (!id.startsWith(generation)) continue;
      if (index === undefined) index = objects.push({ key, bytes }) - 1;
      const life = lives.get(id) ?? newLife(source);
      lives.set(id, life);
      life.objects.add(index);
      for (const stretch of source.covered) life.covered.push(stretch);
      for (const item of source.exceptions)
        life.shrunk.set(`${item.from}+${item.length}`, item.length - item.shipped);
      const firstAt = source.covered[0]?.from ?? Number.POSITIVE_INFINITY;
      const matched = selector.source(source.host, source);
      if ((matched && !life.matched) || (matched === life.matched && firstAt < life.firstAt)) {
        life.path = source.path;
        life.firstAt = firstAt;
        life.matched = matched;
      }
    }
  }
  const chosen = [...lives.values()]
    .filter(({ matched }) => matched)
    .sort((a, b) => (a.generation < b.generation ? -1 : 1))
    .map(({ generation: id, host, path, objects: held, covered, shrunk }) => {
      return { generation: id, host, path, objects: held, bytes: bytesOf(covered, shrunk) };
    });
  return { lives: chosen, objects };
}

function idOf(source: FooterSource): string {
  return Buffer.from(source.generation).toString('hex');
}

interface Found extends Omit<Life, 'bytes'> {
  matched: boolean;
  firstAt: number;
  covered: FooterSource['covered'];
  /** Stretches that were removed or rewritten, and how many bytes less they have now. */
  shrunk: Map<string, number>;
}

function newLife({ host, path, generation }: FooterSource): Found {
  return {
    generation: Buffer.from(generation).toString('hex'),
    host,
    path,
    objects: new Set(),
    matched: false,
    firstAt: Number.POSITIVE_INFINITY,
    covered: [],
    shrunk: new Map(),
  };
}

function bytesOf(covered: FooterSource['covered'], shrunk: Map<string, number>): number {
  let bytes = 0;
  let reached = 0;
  for (const { from, to } of covered.sort((a, b) => a.from - b.from)) {
    bytes += Math.max(0, to - Math.max(from, reached));
    reached = Math.max(reached, to);
  }
  for (const less of shrunk.values()) bytes -= less;
  return bytes;
}
