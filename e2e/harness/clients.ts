import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache.ts';

/** Programs that send logs, as their own projects publish them. */
const run = promisify(execFile);

/** Python with `requirement` (as in `fluent-logger==0.11.1`, several with blanks between) in a virtual environment, which is kept between runs. */
export async function pythonWith(requirement: string): Promise<string> {
  const dir = cacheFolder('python', requirement.replaceAll('==', '-').replaceAll(' ', '+'));
  const python = join(dir, 'bin/python');
  const done = join(dir, 'installed');
  if (existsSync(done)) return python;
  await requirePython();
  mkdirSync(dir, { recursive: true });
  await run('python3', ['-m', 'venv', dir]);
  await run(python, [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    ...requirement.split(' '),
  ]);
  // Another test may have made it meanwhile.
  mkdirSync(done, { recursive: true });
  return python;
}

/** On Debian, as root, Python and its venv are installed. @throws Error that says what is missing */
async function requirePython(): Promise<void> {
  const works = () =>
    run('python3', ['-c', 'import venv, ensurepip']).then(
      () => true,
      () => false,
    );
  if (await works()) return;
  await installPackages('python3', 'python3-venv');
  if (!(await works()))
    throw new Error('this test needs Python 3 with venv: apt-get install python3 python3-venv');
}

/** As root on Debian; elsewhere nothing happens. */
async function installPackages(...names: string[]): Promise<void> {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  await run('apt-get', ['update', '-q']);
  await run('apt-get', ['install', '-y', '-q', ...names]);
}

/**
 * Sees to it that rsyslogd, its OpenSSL driver and logger are there; on Debian, as root, they are installed.
 * @throws Error that says what is missing
 */
export async function requireRsyslog(): Promise<void> {
  if (hasRsyslog()) return;
  await installPackages('rsyslog', 'rsyslog-openssl', 'bsdutils');
  if (!hasRsyslog())
    throw new Error(
      'this test needs rsyslogd, rsyslog-openssl and logger: apt-get install rsyslog rsyslog-openssl',
    );
}

function hasRsyslog(): boolean {
  const driver = globSync('/usr/lib/*/rsyslog/lmnsd_ossl.so').length > 0;
  return driver && existsSync('/usr/sbin/rsyslogd') && existsSync('/usr/bin/logger');
}
