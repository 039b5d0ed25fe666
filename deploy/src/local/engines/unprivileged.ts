import { accessSync, chownSync, constants, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { MillraceError } from '@millrace/core/errors.ts';
import { findOnPath } from '../java.ts';

/** A search engine's command line: engines refuse to run as root, so root runs them as the system's nobody. */
export interface Launch {
  command: string;
  args: string[];
  user?: { uid: number; gid: number };
}

/**
 * Hands `own` to the user that the engine runs as, when that is not us, and tells how to start `program`.
 * @param reach folders that the engine must be able to enter
 * @throws MillraceError ENGINE_FAILED
 */
export function unprivileged(
  program: string,
  args: string[],
  own: string[],
  reach: string[],
  env: NodeJS.ProcessEnv,
): Launch {
  const user = unprivilegedUser();
  if (user === undefined) return { command: program, args };
  for (const path of own) chownSync(path, user.uid, user.gid);
  return launch(program, args, user, reach, env);
}

export function write(path: string, text: string): string {
  writeFileSync(path, text);
  return path;
}

/** Undefined when we are not root. */
function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name === 'nobody') return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
  }
  throw new MillraceError(
    'ENGINE_FAILED',
    'search engines do not run as root, and there is no user "nobody"',
    {
      hint: 'run millrace as an ordinary user',
    },
  );
}

/**
 * The command line. A checkout below a folder that only root may enter (/root, a mktemp folder) is out of reach for
 * nobody: there the process keeps the one capability that opens them, by way of setpriv.
 */
function launch(
  program: string,
  args: string[],
  user: { uid: number; gid: number },
  reach: string[],
  env: NodeJS.ProcessEnv,
): Launch {
  const closed = reach.find((path) => !everybodyMayEnter(path));
  if (closed === undefined) return { command: program, args, user };
  const setpriv = findOnPath('setpriv', env);
  if (setpriv === undefined) {
    throw new MillraceError(
      'ENGINE_FAILED',
      `search engines do not run as root, and nobody may not enter ${closed}`,
      {
        hint: 'run millrace as an ordinary user, or from a folder that everybody may enter (chmod o+x)',
      },
    );
  }
  // Without the secure bit access(2) forgets the capability, and Java's Files.exists asks access(2).
  const rights = [
    '--securebits=+no_setuid_fixup',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
  ];
  const as = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', ...rights];
  return { command: setpriv, args: [...as, program, ...args] };
}

function everybodyMayEnter(path: string): boolean {
  accessSync(path, constants.R_OK);
  for (let folder = path; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
