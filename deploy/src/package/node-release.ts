import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '@millrace/core/errors.ts';
import { runTool } from './run-tool.ts';

export type Arch = 'x64' | 'arm64';

/** The Node inside the executables, with the npm integrity of its packages. */
export const nodeRelease = {
  version: '24.21.0',
  integrity: {
    x64: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
    arm64: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
} as const;

/**
 * The folder (bin/node, LICENSE) of Node for an architecture, fetched once into `cache`. The machine's own Node would
 * not do: a distribution's needs libraries of that distribution.
 * @throws MillraceError FETCH_FAILED, ENGINE_MISSING
 */
export async function fetchNode(
  cache: string,
  arch: Arch,
  progress: (text: string) => void,
): Promise<string> {
  const name = `node-linux-${arch}`;
  const folder = join(cache, `${name}-${nodeRelease.version}`);
  await mkdir(cache, { recursive: true });
  if ((await readdir(cache)).includes(`${name}-${nodeRelease.version}`)) return folder;
  progress(`fetching Node ${nodeRelease.version} for ${arch} (50 MB)`);
  // Beside its place and renamed: what lies under its name is whole, whoever else fetches at the same time.
  const part = await mkdtemp(join(cache, 'part-'));
  try {
    await runTool('npm', ['pack', '--silent', `${name}@${nodeRelease.version}`], {
      cwd: part,
      code: 'FETCH_FAILED',
      hint: 'the first build needs the network; later ones do not',
    });
    const archive = join(part, `${name}-${nodeRelease.version}.tgz`);
    const digest = createHash('sha512')
      .update(await readFile(archive))
      .digest('base64');
    if (`sha512-${digest}` !== nodeRelease.integrity[arch]) {
      throw new MillraceError('FETCH_FAILED', `${name} ${nodeRelease.version} is not the file it should be`, {
        hint: 'the registry served something else: look at the registry in .npmrc',
      });
    }
    await runTool('tar', ['-xzf', archive, '-C', part]);
    await rename(join(part, 'package'), folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return folder;
}
