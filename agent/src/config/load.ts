import { normalize } from 'node:path';
import { compilePipeline } from './compile.ts';
import type { Pipeline } from './pipeline.ts';
import { diskFiles, parseConfig } from './syntax/include.ts';

/** What a configuration may depend on besides its text. */
export interface LoadEnvironment {
  env: Readonly<Record<string, string | undefined>>;
  hostname: string;
  /** The agent's own zone, IANA name or ±HH:MM; becomes a literal in rules. */
  timeZone: string;
  /** Reads a file; default: from disk. */
  readFile?: (path: string) => string;
  /** Files that a pattern of `@include` matches; default: on disk. */
  glob?: (pattern: string) => string[];
}

/**
 * Reads a configuration with its includes and compiles it.
 * @throws MillraceError CONFIG_INVALID: `file:line: parameter: what is wrong`
 */
export function loadPipeline(path: string, environment: LoadEnvironment): Pipeline {
  const { env, hostname, timeZone } = environment;
  const files = {
    read: environment.readFile ?? diskFiles.read,
    glob: environment.glob ?? diskFiles.glob,
  };
  const root = parseConfig(normalize(path), { env, hostname }, files);
  return compilePipeline(root, { env, hostname, timeZone });
}
