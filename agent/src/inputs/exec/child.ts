import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { AgentTelemetry } from '../../events.ts';

/** How long a command that was told to end may go on. */
const graceMs = 5_000;
const saidMax = 1_000;
/** Lines of standard error that are logged in a second; the others are counted in the next one that is. */
const saidPerSecond = 10;

/** Runs "$@" and kills its whole group when the pipe of descriptor 3 ends, as it does when the agent is killed. */
const watched =
  '{ read -r _ <&3; kill -s KILL 0; } >/dev/null 2>&1 & w=$!; "$@" 3<&-; c=$?; kill "$w" 2>/dev/null; exit "$c"';

export interface ChildSettings {
  /** Of the source. */
  source: string;
  argv: string[];
  /** Its standard error is read with its standard output; false: logged. */
  mergeStderr: boolean;
}

/** A command in a group of processes of its own, which lives no longer than the agent. */
export class Child {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  readonly #clock: Clock;
  readonly stdout: Readable;

  constructor({ source, argv, mergeStderr }: ChildSettings, clock: Clock, telemetry: AgentTelemetry) {
    this.#clock = clock;
    const script = mergeStderr ? `exec 2>&1; ${watched}` : watched;
    this.#child = spawn('/bin/sh', ['-c', script, 'sh', ...argv], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new TypeError('a command without pipes');
    this.#exit = once(this.#child, 'exit').catch(() => {});
    // The command may end before the pipe that says whether the agent lives.
    this.#child.stdio[3]?.on('error', () => {});
    this.stdout = stdout;
    logLines(stderr, source, clock, telemetry);
  }

  /** Exit code as a shell has it, when it has ended. */
  async ended(): Promise<number> {
    await this.#exit;
    const { exitCode, signalCode } = this.#child;
    return exitCode ?? (signalCode === null ? 127 : 128);
  }

  /** SIGTERM, and SIGKILL a while later; what it writes until then can be read. */
  stop(): void {
    this.#signal('SIGTERM');
    const gone = new AbortController();
    const late = this.#clock.sleep(graceMs, gone.signal);
    void Promise.race([once(this.stdout, 'close'), late]).then(() => {
      this.#signal('SIGKILL');
      gone.abort();
    });
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // The whole group has ended already.
    }
  }
}

function logLines(stderr: Readable, source: string, clock: Clock, telemetry: AgentTelemetry): void {
  let rest = '';
  let second = -1;
  let said = 0;
  let unsaid = 0;
  stderr.setEncoding('utf8');
  stderr.on('error', () => {});
  const say = (line: string) => {
    const now = Math.floor(clock.monotonic() / 1000);
    if (now !== second) said = 0;
    second = now;
    if (line.trim() === '') return;
    if (said++ >= saidPerSecond) {
      unsaid++;
      return;
    }
    telemetry.emit('command_said', {
      source,
      text: line.slice(0, saidMax),
      ...(unsaid > 0 ? { unsaid } : {}),
    });
    unsaid = 0;
  };
  stderr.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(0, saidMax);
    for (const line of lines) say(line);
  });
  stderr.on('end', () => say(rest));
}
