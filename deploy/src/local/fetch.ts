import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { MillraceError } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { engineVersions, kclPom, opensearchArtifact, s3mockArtifact } from './engines/versions.ts';
import { lock } from './lock.ts';
import { type Maven, mavenArtifact, mavenDependencies } from './maven.ts';

/** Where the fetched engines lie. */
export interface EngineFiles {
  opensearchHome: string;
  s3mockJar: string;
  /** Folder of the KCL MultiLangDaemon's jars. */
  kclJars: string;
}

/** One thing to fetch: a folder under the engines folder, filled by Maven and then renamed into place. */
export interface Fetch {
  title: string;
  folder: string;
  /** A file inside the folder that tells right from wrong, and the SHA-256 it must have. */
  proof: { path: string; sha256: string };
  fill(maven: Maven, folder: string, progress: (text: string) => void): Promise<void>;
}

const opensearchFolder = `opensearch-${engineVersions.opensearch}`;
const kclFolder = `kcl-${engineVersions.kcl}-protobuf-${engineVersions.protobuf}`;
const s3mockJarName = `s3mock-${engineVersions.s3mock}-exec.jar`;

/** The archive's stand-in. */
export const s3mockFetch: Fetch = {
  title: `S3Mock ${engineVersions.s3mock} (31 MB)`,
  folder: `s3mock-${engineVersions.s3mock}`,
  proof: {
    path: s3mockJarName,
    sha256: 'dd7c192fef0005374dec507317ae946eaa5beeffeb4e901d8b97f7fd2ddfb741',
  },
  fill: (maven, folder, progress) => mavenArtifact(maven, 'copy', s3mockArtifact, folder, progress),
};

/** The KCL's daemon. */
export const kclFetch: Fetch = {
  title: `Kinesis Client Library ${engineVersions.kcl} (33 MB)`,
  folder: kclFolder,
  proof: {
    path: `amazon-kinesis-client-multilang-${engineVersions.kcl}.jar`,
    sha256: 'dd21cf2af784bd857d190334685b8ac1e49088a53f7e20029b950f58d82fa4ed',
  },
  async fill(maven, folder, progress) {
    const pom = join(folder, 'pom.xml');
    const awsKcl = createRequire(import.meta.url).resolve('aws-kcl/pom.xml');
    await writeFile(pom, kclPom(await readFile(awsKcl, 'utf8')));
    await mavenDependencies(maven, pom, folder, progress);
  },
};

const fetches: readonly Fetch[] = [
  {
    title: `OpenSearch ${engineVersions.opensearch} (161 MB)`,
    folder: opensearchFolder,
    proof: {
      path: join(opensearchFolder, 'lib', `opensearch-${engineVersions.opensearch}.jar`),
      sha256: '93b3672749adfc3487f609cdff571438d2c4026e5939215e85555beb48607e92',
    },
    fill: (maven, folder, progress) => mavenArtifact(maven, 'unpack', opensearchArtifact, folder, progress),
  },
  s3mockFetch,
  kclFetch,
];

/** The paths of the engines under `root` (usually `.millrace/engines`), fetched or not. */
export function engineFiles(root: string): EngineFiles {
  return {
    opensearchHome: join(root, opensearchFolder, opensearchFolder),
    s3mockJar: join(root, `s3mock-${engineVersions.s3mock}`, s3mockJarName),
    kclJars: join(root, kclFolder),
  };
}

/** Titles of the engines that are not there, or not whole. */
export async function missingEngines(root: string): Promise<string[]> {
  const missing: string[] = [];
  for (const item of fetches) if (!(await isComplete(root, item))) missing.push(item.title);
  return missing;
}

/**
 * Fetches what is missing, once for all processes of this machine: a lock lets one work and the others wait,
 * and a folder appears under its name only when it is whole.
 * @param maven asked for only when something is missing, so that later starts need no Maven
 * @throws MillraceError FETCH_FAILED, ENGINE_MISSING, DISK_FULL
 */
export async function fetchEngines(
  root: string,
  maven: () => Promise<Maven>,
  clock: Clock,
  progress: (text: string) => void,
): Promise<EngineFiles> {
  await fetchAll(root, fetches, maven, clock, progress);
  return engineFiles(root);
}

/** Fetches what is missing of `wanted`; as `fetchEngines`. */
export async function fetchAll(
  root: string,
  wanted: readonly Fetch[],
  maven: () => Promise<Maven>,
  clock: Clock,
  progress: (text: string) => void,
): Promise<void> {
  const complete = await Promise.all(wanted.map((item) => isComplete(root, item)));
  if (complete.every(Boolean)) return;
  await mkdir(root, { recursive: true });
  const held = await lock(join(root, 'lock'), clock, () =>
    progress('waiting for another process that fetches the engines'),
  );
  try {
    await removeLeftovers(root);
    for (const item of wanted) {
      if (!(await isComplete(root, item))) await fetchOne(root, item, await maven(), progress);
    }
  } finally {
    held.release();
  }
}

async function fetchOne(
  root: string,
  item: Fetch,
  maven: Maven,
  progress: (text: string) => void,
): Promise<void> {
  progress(`fetching ${item.title}`);
  const temporary = await mkdtemp(join(root, 'part-'));
  try {
    await item.fill(maven, temporary, (text) => progress(`fetching ${item.title}: ${text}`));
    if ((await sha256(join(temporary, item.proof.path))) !== item.proof.sha256) {
      throw new MillraceError(
        'FETCH_FAILED',
        `${item.title}: ${item.proof.path} is not the file it should be`,
        {
          hint: 'the repository served something else: look at the mirrors in ~/.m2/settings.xml',
        },
      );
    }
    await writeFile(join(temporary, manifestName), JSON.stringify(await sizes(temporary)));
    await chmod(temporary, 0o755); // mkdtemp makes 0700, and OpenSearch may run as another user
    await rm(join(root, item.folder), { recursive: true, force: true });
    await rename(temporary, join(root, item.folder));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

const manifestName = 'millrace-manifest.json';

/** A file that was deleted or cut since it was fetched makes its engine incomplete: it is fetched again. */
async function isComplete(root: string, item: Fetch): Promise<boolean> {
  const folder = join(root, item.folder);
  const manifest = await readFile(join(folder, manifestName), 'utf8').catch(() => undefined);
  if (manifest === undefined) return false;
  for (const [path, size] of Object.entries(JSON.parse(manifest) as Record<string, number>)) {
    const found = await stat(join(folder, path)).catch(() => undefined);
    if (found?.size !== size) return false;
  }
  return true;
}

async function sha256(path: string): Promise<string | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  return bytes && createHash('sha256').update(bytes).digest('hex');
}

async function sizes(folder: string): Promise<Record<string, number>> {
  const result: Record<string, number> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    result[relative(folder, path)] = (await stat(path)).size;
  }
  return result;
}

/** Folders that a killed fetch left behind; the lock is held, so nobody is filling them. */
async function removeLeftovers(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (name.startsWith('part-')) await rm(join(root, name), { recursive: true, force: true });
  }
}
