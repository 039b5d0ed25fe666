import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'postject';
import { agentFlags } from '../local/agent-command.ts';
import { type Arch, fetchNode } from './node-release.ts';
import { runTool } from './run-tool.ts';
import { stripElf } from './strip.ts';

/** Fixed in every Node: the mark that says "a script is inside", still off. */
const sentinelFuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

export interface ExecutableOptions {
  script: string;
  arch: Arch;
  /** Where Node is kept once fetched. */
  cache: string;
  /** Path of the executable. */
  out: string;
  progress(text: string): void;
}

/** Writes Node and a script as one executable. It reads no NODE_OPTIONS: its flags are its own. */
export async function writeExecutable(options: ExecutableOptions): Promise<void> {
  const { arch, cache, out, progress } = options;
  const target = join(await fetchNode(cache, arch, progress), 'bin', 'node');
  const host = process.arch === 'arm64' ? 'arm64' : 'x64';
  const builder = join(await fetchNode(cache, host, progress), 'bin', 'node');
  const folder = await mkdtemp(join(tmpdir(), 'millrace-executable-'));
  try {
    const script = join(folder, 'agent.cjs');
    const blob = join(folder, 'blob');
    const config = join(folder, 'sea.json');
    await writeFile(script, options.script);
    const sea = {
      main: script,
      output: blob,
      disableExperimentalSEAWarning: true,
      // Compiled code fits the architecture that compiled it only.
      useCodeCache: arch === host,
      execArgv: agentFlags,
      execArgvExtension: 'none',
    };
    await writeFile(config, JSON.stringify(sea));
    // The same flags here: V8 refuses compiled code that was made under others.
    await runTool(builder, [...agentFlags, '--experimental-sea-config', config]);
    await writeFile(out, stripElf(await readFile(target)));
    await quietly(async () => inject(out, 'NODE_SEA_BLOB', await readFile(blob), { sentinelFuse }));
    await chmod(out, 0o755);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** postject's ELF library prints warnings about every section it does not know. */
async function quietly(work: () => Promise<void>): Promise<void> {
  const { log, warn, error } = console;
  const nothing = () => undefined;
  Object.assign(console, { log: nothing, warn: nothing, error: nothing });
  try {
    await work();
  } finally {
    Object.assign(console, { log, warn, error });
  }
}
