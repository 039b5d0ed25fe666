import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { MillraceError } from '@millrace/core/errors.ts';

/** Builds the page where its sources changed since it was built; about two seconds, else none. */
export async function buildPage(root: string): Promise<void> {
  const child = spawn(process.execPath, [join(root, 'search-api/web/build.ts')], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000);
    });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code === 0) return;
  throw new MillraceError('ENGINE_FAILED', `the page could not be built:\n${said.trim()}`, {
    hint: 'node search-api/web/build.ts builds it alone',
  });
}
