import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import { mintGeneration } from '@millrace/core/ids/generation.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Pipeline, TailSource } from '../config/pipeline.ts';
import { branchesOf, tagOfPath } from '../config/route.ts';
import { type ConfigSection, placeText } from '../config/syntax/tree.ts';
import type { AgentTelemetry } from '../events.ts';
import type { GenerationRow } from '../state/database.ts';
import { Outbox } from '../state/outbox.ts';
import { fingerprint } from '../tail/fingerprint.ts';
import { patternsOf } from '../tail/first-look.ts';
import { identityOf } from '../tail/identity.ts';
import { expandTime } from '../tail/path-time.ts';
import { branchReaders, numberedReaders, readerId } from '../tail/readers.ts';
import { expandGlobs } from '../tail/scanner.ts';
import { standingAt } from '../tail/standing.ts';
import { type PosEntry, parsePosFile } from './pos-file.ts';

/** A fluentd pos_file, and the place (file:line) of the `<source>` that names it; undefined: the command line did. */
export interface PosFile {
  path: string;
  where: string | undefined;
}

export interface ImportOptions {
  pipeline: Pipeline;
  posFiles: PosFile[];
  machineId: string;
  clock: Clock;
  telemetry: AgentTelemetry;
  /** Only say what would be done; nothing is written. */
  dryRun: boolean;
}

/** The pos_file of every `<source>` that has one, in their order. */
export function posFilesOf(root: ConfigSection): PosFile[] {
  return root.children.flatMap((section) => {
    if (section.name === 'worker') return posFilesOf(section);
    const path = section.name === 'source' ? section.params.get('pos_file') : undefined;
    return path === undefined || path.nil !== undefined
      ? []
      : [{ path: path.value, where: placeText(section) }];
  });
}

/**
 * Takes over the positions of fluentd, so that each file is read on where fluentd had read it to. fluentd must have
 * stopped, with its buffers flushed. Files that it did not know are read from their heads, as it would have.
 * @returns what was done, a line for each file
 * @throws MillraceError USAGE for a pos_file that is none; STATE_LOCKED while an agent runs on the state;
 *   STATE_UNWRITABLE
 */
export function importPositions(options: ImportOptions): string {
  const { pipeline, posFiles, machineId, clock, telemetry, dryRun } = options;
  if (posFiles.length === 0)
    throw new MillraceError('USAGE', 'no <source> has a pos_file', { hint: 'name one: --pos-file FILE' });
  const lines: string[] = [];
  const followed = followedFiles(pipeline, clock.now());
  const found = entriesOf(posFiles, lines);
  const { stateDir: dir } = pipeline.system;
  // A state that is made here would look like that of an agent that has run.
  const outbox =
    dryRun && !existsSync(join(dir, 'positions.db'))
      ? undefined
      : new Outbox({ dir, outputs: pipeline.outputs, memoryBytesMax: 0, machineId, clock, telemetry });
  try {
    const known = new Set((outbox?.generations() ?? []).map(({ inode, reader }) => `${inode} ${reader}`));
    const owners = new Map<string, Followed>();
    const rows: GenerationRow[] = [];
    let files = 0;
    for (const { entry, where } of found) {
      const standing = examine(entry);
      if (typeof standing === 'string') {
        lines.push(standing);
        continue;
      }
      const sources = followed.filter((each) =>
        where === undefined ? each.files.has(standing.path) : each.source.where === where,
      );
      const owner =
        owners.get(entry.inode) ?? followed.find((each) => each.files.has(standing.path)) ?? sources[0];
      if (owner) owners.set(entry.inode, owner);
      const readers = readersOf(standing.path, sources, owner?.source, pipeline);
      if (readers.every((reader) => known.has(`${entry.inode} ${reader}`))) {
        lines.push(`${entry.path}: left as it is, the agent knows it already`);
        continue;
      }
      const { unread, ...row } = standing;
      for (const reader of readers)
        if (!known.has(`${entry.inode} ${reader}`)) rows.push({ ...row, id: mintGeneration(clock), reader });
      files++;
      const lost = unread > 0 && !followed.some((each) => each.files.has(row.path));
      const left = lost ? ', which no <source> matches: they would not be read; add its path' : '';
      lines.push(`${row.path}: at ${row.position}, ${unread} bytes to read${left}`);
    }
    if (!dryRun) save(outbox, rows, pipeline, dir);
    const done = `${files} of ${found.length} positions ${dryRun ? 'would be' : 'are'} taken over`;
    return `${[...lines, done].join('\n')}\n`;
  } finally {
    outbox?.close();
  }
}

function save(outbox: Outbox | undefined, rows: GenerationRow[], pipeline: Pipeline, dir: string): void {
  outbox?.save(rows);
  const patterns = pipeline.sources.flatMap((source) =>
    readingsOf(source, undefined, pipeline).flatMap((reader) => patternsOf({ ...source, reader })),
  );
  outbox?.noteKnownPatterns(patterns);
  if (!outbox || outbox.degraded)
    throw new MillraceError('STATE_UNWRITABLE', `${dir}: the positions cannot be written`);
}

interface Followed {
  source: TailSource;
  files: ReadonlySet<string>;
}

function followedFiles(pipeline: Pipeline, nowMs: number): Followed[] {
  return pipeline.sources.map((source) => {
    const dated = (path: string) => expandTime(path, nowMs, source.pathTimeZone);
    const { files } = expandGlobs(source.paths.map(dated), source.excludePaths.map(dated));
    return { source, files: new Set(files) };
  });
}

/** Entries of all files. Of several for one inode a position goes before "done", and the last before the others. */
function entriesOf(posFiles: PosFile[], lines: string[]): { entry: PosEntry; where: string | undefined }[] {
  const found = new Map<string, { entry: PosEntry; where: string | undefined }>();
  let read = 0;
  for (const { path, where } of posFiles) {
    const text = readPosFile(path, where !== undefined);
    if (text === undefined) {
      lines.push(`${path}: is not there, nothing to take over`);
      continue;
    }
    read++;
    for (const entry of parsePosFile(path, text)) {
      const key = `${entry.inode}\t${where}`;
      if (entry.position !== undefined || found.get(key)?.entry.position === undefined)
        found.set(key, { entry, where });
    }
  }
  if (read === 0)
    throw new MillraceError('USAGE', `no pos_file is there: ${posFiles.map(({ path }) => path).join(', ')}`, {
      hint: 'name the one that fluentd has written: --pos-file FILE',
    });
  return [...found.values()];
}

/** Undefined where it is not there, which is an error unless `optional`: a source may never have run. */
function readPosFile(path: string, optional: boolean): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (optional && cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new MillraceError('USAGE', `${path}: cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Under which names the agent will read a file: the first source that follows it has the empty one, others their ids,
 * and each branch of a way one more.
 */
function readersOf(
  path: string,
  sources: Followed[],
  owner: TailSource | undefined,
  pipeline: Pipeline,
): string[] {
  if (sources.length === 0) return [''];
  return sources.flatMap(({ source }) => {
    const [first = '', ...others] = readingsOf(source, path, pipeline);
    return [first === '' && source !== owner ? readerId(source) : first, ...others];
  });
}

/** Of a file, or of any that the source may match: as the tailer names them. */
function readingsOf(source: TailSource, path: string | undefined, pipeline: Pipeline): string[] {
  const paths = path === undefined ? source.paths : [path];
  const ways = paths.map((each) => branchesOf(pipeline, source.label, tagOfPath(source.tag, each)));
  if (!source.tag.includes('*')) return branchReaders(source, ways[0] ?? []);
  const width = Math.max(1, ...ways.map((branches) => branches.length));
  return numberedReaders(source, width);
}

type Standing = Omit<GenerationRow, 'id' | 'reader'> & { unread: number };

/** Where a file stands, or why there is nothing to take over. */
function examine(entry: PosEntry): Standing | string {
  const path = pathOfInode(entry);
  if (path === undefined) return `${entry.path}: gone, with inode ${entry.inode}`;
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (cause) {
    return `${path}: cannot be read, left out: ${messageOf(cause)}`;
  }
  try {
    const stat = fstatSync(fd);
    const position = entry.position ?? stat.size;
    if (position > stat.size)
      return `${path}: shorter than its position ${position}: it will be read from its head`;
    const { head, tail, ...standing } = standingAt(fd, position, stat);
    return {
      path,
      ...identityOf(stat, () => fstatSync(fd, { bigint: true })),
      ...standing,
      headSize: head.length,
      headHash: fingerprint(head),
      tailSize: tail.length,
      tailHash: fingerprint(tail),
      continues: false,
      dropping: false,
      unread: stat.size - position,
    };
  } finally {
    closeSync(fd);
  }
}

/** The file may have been renamed since: looked for in its folder. */
function pathOfInode({ path, inode }: PosEntry): string | undefined {
  if (inodeOf(path) === inode) return path;
  const folder = dirname(path);
  try {
    for (const name of readdirSync(folder))
      if (inodeOf(join(folder, name)) === inode) return join(folder, name);
  } catch {
    // The folder is gone: so is the file.
  }
  return undefined;
}

function inodeOf(path: string): string | undefined {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat?.isFile() ? String(stat.ino) : undefined;
  } catch {
    return undefined; // may not be looked at: it cannot be read either
  }
}
