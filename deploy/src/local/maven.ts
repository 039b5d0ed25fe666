import { spawn } from 'node:child_process';
import { MillraceError } from '@millrace/core/errors.ts';

/** How to run Maven: the program and the Java it runs on. */
export interface Maven {
  bin: string;
  javaHome: string;
  env: NodeJS.ProcessEnv;
}

/** Pinned: an unpinned plugin is whatever Maven's own defaults say on that machine. */
const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';

/** Copies one artifact (group:artifact:version:type[:classifier]) into `folder`, or unpacks it there. */
export function mavenArtifact(
  maven: Maven,
  how: 'copy' | 'unpack',
  artifact: string,
  folder: string,
  progress: (text: string) => void,
): Promise<void> {
  const args = [`${plugin}:${how}`, `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`];
  return runMaven(maven, args, folder, progress);
}

/** Copies the dependencies that a pom names, and only those, into `folder`. */
export function mavenDependencies(
  maven: Maven,
  pom: string,
  folder: string,
  progress: (text: string) => void,
): Promise<void> {
  const args = ['-f', pom, `${plugin}:copy-dependencies`, `-DoutputDirectory=${folder}`];
  return runMaven(maven, [...args, '-DincludeScope=runtime', '-DexcludeTransitive=true'], folder, progress);
}

/**
 * Without -B Maven tells its progress even into a pipe. Some repositories serve artifacts without a checksum
 * file, where -C would stop: so a checksum that is there and wrong is looked for in what Maven says.
 */
function runMaven(
  maven: Maven,
  args: string[],
  cwd: string,
  progress: (text: string) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(maven.bin, ['-c', '-Dstyle.color=never', ...args], {
      cwd,
      env: { ...maven.env, JAVA_HOME: maven.javaHome },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let tail = '';
    let damaged: string | undefined;
    const read = (chunk: Buffer): void => {
      const text = chunk.toString('utf8');
      tail = (tail + text).slice(-16_384);
      damaged ??= tail.match(wrongChecksum)?.[1];
      const seen = text.match(/Progress \(\d+\): [^\r\n]*/g)?.at(-1);
      if (seen !== undefined) progress(seen.replace(/^Progress \(\d+\): /, '').trim());
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('error', (cause) => reject(mavenMissing(maven.bin, cause)));
    child.on('close', (code) => {
      if (damaged !== undefined) reject(damagedDownload(damaged));
      else if (code === 0) resolve();
      else reject(mavenFailed(tail));
    });
  });
}

const wrongChecksum = /integrity of download from (\S+): Checksum validation failed, expected/;

function damagedDownload(url: string): MillraceError {
  return new MillraceError('FETCH_FAILED', `${url.split('/').at(-1)} arrived with a wrong checksum`, {
    hint: 'delete it from the Maven cache (~/.m2/repository) and start again; if it stays so, a proxy changes it',
  });
}

function mavenMissing(bin: string, cause: unknown): MillraceError {
  return new MillraceError('ENGINE_MISSING', `Maven (${bin}) could not be started`, {
    hint: 'install Maven 3.6 or later (Debian: apt install maven; macOS: brew install maven)',
    cause,
  });
}

/** Maven's own sentence on what went wrong, with the cure for the usual causes. */
export function mavenFailed(output: string): MillraceError {
  const errors = output.split(/[\r\n]+/).filter((line) => /^\[ERROR\] \S/.test(line));
  const said =
    errors[0]?.replace('[ERROR] ', '').replace(/ -> \[Help.*/, '') ?? 'it stopped without a message';
  if (/No space left on device/i.test(output)) {
    return new MillraceError('DISK_FULL', 'no room left on the disk while fetching the engines', {
      hint: 'the engines need 500 MB once, half of it in the Maven cache: make room and start again',
    });
  }
  // The sentence begins with the goal and ends with a trace of causes: what could not be transferred is between.
  const what = /Could not transfer artifact \S+|Could not find artifact \S+/.exec(said)?.[0];
  const why = said.match(/: [^:]+$/)?.[0] ?? '';
  const sentence = what === undefined ? said : `${what}${why}`;
  return new MillraceError('FETCH_FAILED', `Maven could not fetch an engine: ${sentence.slice(0, 300)}`, {
    hint: 'the first start needs the network (or a Maven mirror in ~/.m2/settings.xml); later starts do not',
  });
}
