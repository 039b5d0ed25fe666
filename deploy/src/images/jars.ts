import { mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { engineFiles, fetchAll, kclFetch, s3mockFetch } from '../local/fetch.ts';
import { findJava, findMaven } from '../local/java.ts';

/**
 * Fetches the same jars, with the same proof, that the local stack runs on into `folder`, which must not exist.
 * @throws MillraceError FETCH_FAILED, ENGINE_MISSING (no Java, no Maven)
 */
export async function fetchJars(
  what: 'kcl' | 's3mock',
  folder: string,
  env: NodeJS.ProcessEnv,
  clock: Clock,
  progress: (text: string) => void,
): Promise<void> {
  const target = resolve(folder);
  const work = await mkdtemp(join(dirname(target), 'jars-'));
  try {
    const wanted = [what === 'kcl' ? kclFetch : s3mockFetch];
    await fetchAll(work, wanted, async () => findMaven(env, await findJava(env)), clock, progress);
    const { kclJars, s3mockJar } = engineFiles(work);
    await rename(what === 'kcl' ? kclJars : dirname(s3mockJar), target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
