import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache.ts';

const run = promisify(execFile);

/**
 * A file out of a Debian package that is not installed; kept between runs.
 * @throws Error where there is no apt
 */
export async function debianFile(name: string, path: string): Promise<string> {
  const cache = cacheFolder('debian', name);
  const file = join(cache, path);
  if (existsSync(file)) return file;
  if (!existsSync('/usr/bin/apt-get'))
    throw new Error(`this test needs ${path} of the Debian package ${name}`);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-debian-'));
  try {
    await run('apt-get', ['update', '-q']);
    await run('apt-get', ['download', '-q', name], { cwd: folder });
    await run('sh', ['-c', 'dpkg-deb -x ./*.deb files'], { cwd: folder });
    mkdirSync(join(cache, '..'), { recursive: true });
    rmSync(cache, { recursive: true, force: true });
    renameSync(join(folder, 'files'), cache);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return file;
}
