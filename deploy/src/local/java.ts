import { execFile } from 'node:child_process';
import { accessSync, constants, readdirSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { MillraceError } from '@millrace/core/errors.ts';
import type { Maven } from './maven.ts';

const run = promisify(execFile);

/** A Java installation: its home folder, its `java` and its feature version (21, 25, …). */
export interface Java {
  home: string;
  bin: string;
  version: number;
}

/** OpenSearch 3 needs it; everything else is content with 17. */
export const javaVersionMin = 21;

/** Folders whose children are Java homes on the usual systems. */
const jvmFolders = ['/usr/lib/jvm', '/usr/lib64/jvm', '/usr/java', '/opt', '/opt/java', '/opt/homebrew/opt'];
const macFolder = '/Library/Java/JavaVirtualMachines';

/**
 * The first Java of at least 21 in JAVA_HOME, PATH and the usual folders.
 * @throws MillraceError ENGINE_MISSING that names what was found instead and what to install
 */
export async function findJava(env: NodeJS.ProcessEnv): Promise<Java> {
  return findJavaBetween(env, javaVersionMin);
}

/**
 * The first Java of at least `min` and at most `max`: OpenSearch 2 does not run on 24 and later, which have no
 * security manager.
 * @throws MillraceError ENGINE_MISSING
 */
export async function findJavaBetween(
  env: NodeJS.ProcessEnv,
  min: number,
  max = Number.POSITIVE_INFINITY,
): Promise<Java> {
  const tooOld: Java[] = [];
  for (const home of javaHomes(env)) {
    const java = await probeJava(home);
    if (java === undefined) continue;
    if (java.version >= min && java.version <= max) return java;
    tooOld.push(java);
  }
  const seen = tooOld.map((java) => `Java ${java.version} in ${java.home}`);
  const found = seen.length === 0 ? 'no Java was found' : `only ${seen.join(', ')} was found`;
  throw new MillraceError(
    'ENGINE_MISSING',
    `Java ${min}${max === Number.POSITIVE_INFINITY ? ' or later' : ` to ${max}`} is needed, ${found}`,
    {
      hint: `install a JDK of version ${min} or later (Debian: apt install openjdk-${min}-jdk-headless or temurin-25-jdk; macOS: brew install openjdk@${min}), or point JAVA_HOME at one`,
    },
  );
}

/** Candidate homes, best first, each once; what a name links to counts, so `java` on the PATH is one too. */
export function javaHomes(env: NodeJS.ProcessEnv): string[] {
  const homes: string[] = [];
  for (const name of ['OPENSEARCH_JAVA_HOME', 'JAVA_HOME']) if (env[name]) homes.push(env[name]);
  const onPath = findOnPath('java', env);
  if (onPath !== undefined) homes.push(dirname(dirname(realpathSync(onPath))));
  for (const folder of jvmFolders) for (const name of folders(folder)) homes.push(join(folder, name));
  for (const name of folders(macFolder)) homes.push(join(macFolder, name, 'Contents', 'Home'));
  return [...new Set(homes.map(realpath))].filter((home) => isExecutable(join(home, 'bin', 'java')));
}

/** The feature version in the output of `java -version`: 8 for "1.8.0_402", 21 for "21.0.2". */
export function parseJavaVersion(output: string): number | undefined {
  const match = /version "(\d+)(?:\.(\d+))?/.exec(output);
  if (match === null) return undefined;
  const major = Number(match[1]);
  return major === 1 ? Number(match[2]) : major;
}

/**
 * Maven from MAVEN_HOME or PATH, to run on the given Java.
 * @throws MillraceError ENGINE_MISSING
 */
export async function findMaven(env: NodeJS.ProcessEnv, java: Java): Promise<Maven> {
  const fromHome = env.MAVEN_HOME ? join(env.MAVEN_HOME, 'bin', 'mvn') : undefined;
  const bin = fromHome !== undefined && isExecutable(fromHome) ? fromHome : findOnPath('mvn', env);
  if (bin === undefined) {
    throw new MillraceError(
      'ENGINE_MISSING',
      'Maven is needed to fetch the engines, and is not on the PATH',
      {
        hint: 'install Maven 3.6 or later (Debian: apt install maven; macOS: brew install maven)',
      },
    );
  }
  return { bin, javaHome: java.home, env };
}

/** The first executable of that name on the PATH. */
export function findOnPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    if (folder !== '' && isExecutable(join(folder, name))) return join(folder, name);
  }
  return undefined;
}

async function probeJava(home: string): Promise<Java | undefined> {
  const bin = join(home, 'bin', 'java');
  try {
    const { stderr, stdout } = await run(bin, ['-version'], { timeout: 20_000 });
    const version = parseJavaVersion(stderr + stdout);
    return version === undefined ? undefined : { home, bin, version };
  } catch {
    // A broken installation is no installation; the search goes on, and its end says what was found.
    return undefined;
  }
}

function folders(path: string): string[] {
  try {
    return readdirSync(path).sort().reverse();
  } catch {
    return [];
  }
}

function realpath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
