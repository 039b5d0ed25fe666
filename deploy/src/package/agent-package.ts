import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleAgent } from './bundle.ts';
import { type DebOptions, writeDeb } from './debian.ts';
import { writeExecutable } from './executable.ts';
import { type Arch, fetchNode } from './node-release.ts';

export interface AgentPackageOptions {
  root: string;
  arch: Arch;
  version: string;
  /** Date of the package's documents and files. */
  date: Date;
  compression: DebOptions['compression'];
  /** Folder for what is built; made when absent. */
  out: string;
  progress(text: string): void;
  /** Environment of the programs that are run. */
  env: NodeJS.ProcessEnv;
}

/** What was built, with its size in bytes. */
export interface Built {
  path: string;
  bytes: number;
}

/**
 * Builds the agent's executable and its Debian package.
 * @throws MillraceError FETCH_FAILED, ENGINE_MISSING, ENGINE_FAILED
 */
export async function packageAgent(options: AgentPackageOptions): Promise<{ executable: Built; deb: Built }> {
  const { root, arch, version, out, progress } = options;
  const cache = join(root, '.millrace', 'package');
  await mkdir(out, { recursive: true });
  progress('bundling the agent');
  const { script, licenses } = await bundleAgent(root, version);
  progress(`writing the executable for ${arch}`);
  const executable = join(out, `millrace-agent-linux-${arch}`);
  await writeExecutable({ script, arch, cache, out: executable, progress });
  progress('writing the Debian package');
  const nodeLicense = await readFile(join(await fetchNode(cache, arch, progress), 'LICENSE'), 'utf8');
  const texts = { 'third-party-licenses': licenses, 'node-license': nodeLicense };
  const deb = await writeDeb({ ...options, executable, licenses: texts });
  return { executable: await built(executable), deb: await built(deb) };
}

async function built(path: string): Promise<Built> {
  return { path, bytes: (await stat(path)).size };
}
