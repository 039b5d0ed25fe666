import { readFileSync } from 'node:fs';
import { jsonText, type StackPaths, writeFileAtOnce } from './config-files.ts';
import type { ProcessIdentity } from './identity.ts';
import type { PartStatus } from './supervisor.ts';

/** stack.json: what runs in a data folder, for `status`, `down` and the next `up`. */
export interface RunFile {
  supervisor: ProcessIdentity;
  portBase: number;
  url: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  /** True once a test line has made the whole trip. */
  ready: boolean;
  parts: (PartStatus & { identity: ProcessIdentity | undefined })[];
}

export function writeRunFile(paths: StackPaths, run: RunFile): void {
  writeFileAtOnce(paths.runFile, jsonText(run));
}

/** Undefined when nothing was ever started there, or the file is not ours. */
export function readRunFile(paths: StackPaths): RunFile | undefined {
  try {
    const run = JSON.parse(readFileSync(paths.runFile, 'utf8')) as RunFile;
    return Array.isArray(run.parts) &&
      run.parts.every((part) => typeof part?.name === 'string') &&
      typeof run.supervisor?.pid === 'number'
      ? run
      : undefined;
  } catch {
    return undefined;
  }
}

/** Every process that the file names. */
export function recordedProcesses(run: RunFile | undefined): ProcessIdentity[] {
  if (run === undefined) return [];
  return run.parts.flatMap((part) => (part.identity === undefined ? [] : [part.identity]));
}
