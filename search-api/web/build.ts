import { createHash } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { InlineConfig } from 'vite';

/**
 * Builds the page into dist/, unless what lies there was made of the same sources. With --serve, shows it as it is
 * written instead, with the API of a search-api that runs elsewhere: `node search-api/web/build.ts --serve
 * http://127.0.0.1:6700`.
 */
const root = fileURLToPath(new URL('.', import.meta.url));
const dist = join(root, 'dist');
const stampFile = join(dist, '.stamp');

const config: InlineConfig = {
  configFile: false,
  root,
  // Relative, so that the page works below any path of a proxy.
  base: './',
  logLevel: 'warn',
  resolve: { dedupe: ['preact'] },
  build: {
    outDir: dist,
    emptyOutDir: true,
    target: 'es2023',
    // A data: address would be inline, which the policy of the page refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
};

async function build(): Promise<void> {
  const stamp = sourcesHash();
  if (readStamp() === stamp) return;
  const vite = await import('vite');
  await vite.build(config);
  // Sent as they are to browsers that take them: nothing is compressed while somebody waits.
  for (const file of globSync('**/*.{js,css,html,svg}', { cwd: dist })) {
    const path = join(dist, file);
    const bytes = readFileSync(path);
    writeFileSync(`${path}.br`, brotliCompressSync(bytes));
    writeFileSync(`${path}.gz`, gzipSync(bytes));
  }
  mkdirSync(dist, { recursive: true });
  writeFileSync(stampFile, stamp);
}

/** Of everything that goes into the page; the packages by the file that names their versions. */
function sourcesHash(): string {
  const project = join(root, '../..');
  const files = [
    ...globSync(['index.html', 'build.ts', '{src,public}/**/*.*'], { cwd: root }).map((file) =>
      join('search-api/web', file),
    ),
    ...globSync('core/src/**/*.ts', { cwd: project }),
    'package-lock.json',
  ];
  const hash = createHash('sha256');
  for (const file of files.filter((name) => !name.endsWith('.test.ts')).sort())
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(project, file)))
      .update('\0');
  return hash.digest('hex');
}

function readStamp(): string | undefined {
  try {
    return readFileSync(stampFile, 'utf8');
  } catch {
    return undefined;
  }
}

async function serve(target: string): Promise<void> {
  const vite = await import('vite');
  const server = await vite.createServer({
    ...config,
    logLevel: 'info',
    server: { proxy: { '/api': { target, changeOrigin: true } } },
  });
  await server.listen();
  server.printUrls();
}

const { values } = parseArgs({ options: { serve: { type: 'string' } } });
if (values.serve === undefined) await build();
else await serve(values.serve);
