import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { StoreConfigSchema } from '@millrace/core/store/config.ts';
import { createStore } from '@millrace/core/store/create.ts';
import { benchLines, lineBlocks, ownAction, writeBodies } from './bodies.ts';
import { BenchStore } from './store.ts';

const linesPerFile = 500_000;

/**
 * Fills the engine with access-log events of 1 January 2026, unless it holds so many already; file by file so that
 * bodies on disk stay few.
 */
export async function fillForSearch(node: string, stream: string, lines: number): Promise<void> {
  const indices = `millrace-${stream}-*`;
  const config = validateConfig(StoreConfigSchema, { type: 'opensearch', node }, 'bench');
  const store = await createStore(config);
  await store.install();
  await store.close();
  const bench = new BenchStore(node);
  if ((await bench.indexed(indices).catch(() => 0)) >= lines) return;
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-search-'));
  const capturedMs = Date.UTC(2026, 0, 1, 12);
  for (let held = 0, run = 0; held < lines; run++) {
    const count = Math.min(linesPerFile, lines - held);
    const file = join(folder, 'bodies');
    const generation = Buffer.alloc(16, run + 1);
    writeBodies(file, lineBlocks(benchLines(count, run), stream, { generation, capturedMs }), ownAction);
    held += count;
    await bench.load(file, indices, held);
    process.stderr.write(`bench: ${held.toLocaleString('en')} events\n`);
  }
  rmSync(folder, { recursive: true });
}
