import { decodeFooter } from '@millrace/core/archive/decode-footer.ts';
import { encodeFooter } from '@millrace/core/archive/encode-footer.ts';
import type { Footer } from '@millrace/core/archive/footer.ts';
import { Book } from '../ledger/book.ts';
import { settle } from '../ledger/gaps.ts';

/**
 * What a ledger costs: `node --expose-gc archive/src/testing/ledger-bench.ts [servers] [files] [days]`. Every object
 * has every file of a quarter of the servers (four shards' worth of blocks), files are rotated daily.
 */
const [servers = 200, files = 50, days = 1] = process.argv.slice(2).map(Number);
const objectsPerDay = 48;
const startMs = Date.UTC(2026, 10, 1);

function generation(day: number, server: number, file: number): Buffer {
  const id = Buffer.alloc(16);
  id.writeUIntBE(startMs + day * 86_400_000, 0, 6);
  id[6] = 0x70;
  id[8] = 0x80;
  id.writeUInt32BE(server * 10_000 + file, 9);
  id[15] = day;
  return id;
}

function footerOf(day: number, object: number): Footer {
  const sources: Footer['sources'] = [];
  const date = new Date(startMs + day * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '.');
  for (let server = object % 4; server < servers; server += 4) {
    for (let file = 0; file < files; file++) {
      const turn = Math.floor(object / 4);
      const from = turn * 40_000;
      sources.push({
        generation: generation(day, server, file),
        host: `web-${server}.example.com`,
        path: `/var/log/app-${file}/access.log`,
        tag: `app.${file}`,
        rule: '{"parse":{"type":"nginx"},"v":1}',
        covered: [{ from, to: from + 40_000 }],
        exceptions: [],
        dated: [{ date, from, to: from + 40_000, events: 200 }],
      });
    }
  }
  const atMs = startMs + day * 86_400_000 + object * 1_800_000;
  const entries = sources.map((source) => ({
    kind: 'seen' as const,
    atMs,
    generation: source.generation,
    path: source.path,
    tag: source.tag,
    size: source.covered[0]?.to ?? 0,
    position: source.covered[0]?.to ?? 0,
  }));
  const control =
    sources.length === 0 ? [] : [{ host: sources[0]?.host ?? '', agent: Buffer.alloc(16), entries }];
  return {
    stream: 'logs',
    blocks: [],
    sources,
    capturedFirstMs: atMs,
    capturedLastMs: atMs,
    payloadBytes: 0,
    control,
  };
}

const book = new Book({ filesMax: 10_000_000 });
let encodedBytes = 0;
let decodeMs = 0;
let addMs = 0;
let sources = 0;
globalThis.gc?.();
const before = process.memoryUsage().heapUsed;
for (let day = 0; day < days; day++) {
  for (let object = 0; object < objectsPerDay; object++) {
    const bytes = encodeFooter(footerOf(day, object));
    encodedBytes += bytes.length;
    const begun = performance.now();
    const footer = decodeFooter(bytes, 0);
    const decoded = performance.now();
    const key = `archive/logs/o${day}-${object}`;
    book.add({ key, modifiedMs: footer.capturedLastMs, footer }, { events: 1, missing: [], unnamed: 0 });
    decodeMs += decoded - begun;
    addMs += performance.now() - decoded;
    sources += footer.sources.length;
  }
}
globalThis.gc?.();
const heap = process.memoryUsage().heapUsed - before;
const begun = performance.now();
let gaps = 0;
for (const account of book.accounts.values()) {
  gaps += settle(account, {
    stream: 'logs',
    nowMs: startMs + days * 86_400_000,
    olderThanMs: 600_000,
    lost: [],
    horizon: undefined,
    isSilent: () => false,
    began: () => undefined,
    gone: () => [],
    setAsideBytes: () => 0,
  }).gaps.length;
}
process.stdout.write(
  `${JSON.stringify({
    files: book.accounts.size,
    objects: days * objectsPerDay,
    sources,
    footer_bytes_per_source: Math.round(encodedBytes / sources),
    decode_us_per_source: Number(((decodeMs * 1000) / sources).toFixed(2)),
    add_us_per_source: Number(((addMs * 1000) / sources).toFixed(2)),
    settle_us_per_file: Number((((performance.now() - begun) * 1000) / book.accounts.size).toFixed(2)),
    heap_bytes_per_file: Math.round(heap / book.accounts.size),
    gaps,
  })}\n`,
);
