import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { DebianRoot } from './debian-root.ts';

/** Runs a unit's command lines as systemd would, where there is no systemd: its user, groups, rights and order. */
export class UnitService {
  readonly #root: DebianRoot;
  readonly #unit: string;
  readonly #log: string;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;

  /** `log`: file, outside of the root folder, for what it prints; `env`: what is in its EnvironmentFile. */
  constructor(root: DebianRoot, unitFile: string, log: string, env: NodeJS.ProcessEnv) {
    this.#root = root;
    this.#unit = readFileSync(root.path(unitFile), 'utf8');
    this.#log = log;
    this.#env = env;
  }

  async start(): Promise<void> {
    const state = `/var/lib/${this.#value('StateDirectory')}`;
    const owner = `${this.#value('User')}:${this.#value('Group')}`;
    await this.#root.run('mkdir', '-p', '-m', this.#value('StateDirectoryMode'), state);
    await this.#root.run('chown', '-R', owner, state);
    this.#child = this.#spawn(this.#value('ExecStart'));
  }

  /** ExecStop, then SIGTERM whatever that said; resolves to the exit code of the service. */
  async stop(): Promise<number | null> {
    const child = this.#child;
    if (child === undefined) return null;
    const ended = child.exitCode === null ? once(child, 'exit') : Promise.resolve([child.exitCode]);
    await once(this.#spawn(this.#value('ExecStop')), 'exit');
    child.kill('SIGTERM');
    const [code, signal] = (await ended) as [number | null, NodeJS.Signals?];
    this.#child = undefined;
    // It may meet an agent that is gone but for its process; systemd counts that as a clean end, too.
    return signal === 'SIGTERM' ? 0 : code;
  }

  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  #spawn(commandLine: string): ChildProcess {
    const as = [
      `--reuid=${this.#value('User')}`,
      `--regid=${this.#value('Group')}`,
      `--groups=${this.#value('SupplementaryGroups').replaceAll(' ', ',')}`,
      '--no-new-privs',
      '--bounding-set=-all',
      '--inh-caps=-all',
    ];
    const output = openSync(this.#log, 'a');
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...this.#env };
    const child = this.#root.start(
      ['setpriv', ...as, '--', ...commandLine.replace(/^-/, '').split(' ')],
      env,
      output,
    );
    closeSync(output);
    return child;
  }

  #value(key: string): string {
    const value = new RegExp(`^${key}=(.+)$`, 'm').exec(this.#unit)?.[1];
    if (value === undefined) throw new Error(`the unit has no ${key}`);
    return value;
  }
}
