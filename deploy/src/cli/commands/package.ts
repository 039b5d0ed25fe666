import { readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { MillraceError } from '@millrace/core/errors.ts';
import type { Arch } from '../../package/node-release.ts';
import { type CliContext, type Command, exitCodes } from '../command.ts';
import { createProgress } from '../progress.ts';

const archs: readonly Arch[] = ['x64', 'arm64'];

export const packageCommand: Command = {
  name: 'package',
  summary: 'Build the agent as one executable and as a Debian package.',
  usage: 'package agent [--arch x64|arm64] [--out DIR]',
  details:
    'The executable holds Node and needs nothing but glibc 2.28 and libstdc++. SOURCE_DATE_EPOCH dates what is in the package.\n' +
    'docs/install.md says what to do with it.',
  options: {
    arch: { type: 'string', value: 'ARCH', help: "x64 or arm64; this machine's without it." },
    out: { type: 'string', value: 'DIR', help: 'Where it is written; .millrace/packages without it.' },
  },
  positionals: { min: 1, max: 1 },
  examples: ['./millrace package agent', './millrace package agent --arch arm64 --out dist'],
  exits: [[1, 'it could not be built']],
  async run(context, parsed) {
    const [what] = parsed.positionals;
    if (what !== 'agent')
      throw new MillraceError('USAGE', `package: there is no package "${what}", but agent`);
    const arch = archOf(parsed.strings.arch ?? process.arch);
    const out = parsed.strings.out;
    // Its build tools are not there where only the other commands are installed, as in an image.
    const { packageAgent } = await import('../../package/agent-package.ts');
    const progress = createProgress(context);
    const { executable, deb } = await packageAgent({
      root: context.root,
      arch,
      version: await versionOf(context.root),
      date: dateOf(context),
      compression: 'xz',
      out: out === undefined ? join(context.root, '.millrace', 'packages') : resolve(context.cwd, out),
      progress: (text) => progress.now(text),
      env: context.env,
    });
    progress.end();
    for (const { path, bytes } of [executable, deb]) {
      context.stdout(`${relative(context.cwd, path)}  ${(bytes / 1e6).toFixed(1)} MB\n`);
    }
    return exitCodes.ok;
  },
};

function archOf(text: string): Arch {
  const arch = archs.find((known) => known === text);
  if (arch === undefined) throw new MillraceError('USAGE', `package: --arch is x64 or arm64, not "${text}"`);
  return arch;
}

async function versionOf(root: string): Promise<string> {
  const text = await readFile(join(root, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function dateOf(context: CliContext): Date {
  const epoch = context.env.SOURCE_DATE_EPOCH;
  if (epoch === undefined) return new Date(context.clock.now());
  if (!/^\d{1,11}$/.test(epoch)) {
    throw new MillraceError('USAGE', `SOURCE_DATE_EPOCH "${epoch}" is not a number of seconds since 1970`);
  }
  return new Date(Number(epoch) * 1000);
}
