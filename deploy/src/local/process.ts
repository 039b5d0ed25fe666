import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { MillraceError } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';

/** One process of a local stack: an engine, the consumer, the search API or the agent. */
export interface PartSpec {
  name: string;
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Runs the process as somebody else; only root can. */
  user?: { uid: number; gid: number };
  /** Ports it listens on, all on 127.0.0.1; the first is the one that people and other parts talk to. */
  ports: number[];
  /** True once it serves; false or an exception while it does not. */
  ready(): Promise<boolean>;
  /** How long it may take from start to ready. */
  startMsMax: number;
  /** How long it may take from SIGTERM to its end; then it is killed. */
  stopMsMax: number;
}

/** How a process ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A started process; it leads its own process group, so that the terminal's Ctrl-C is ours alone to handle. */
export interface RunningPart {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Undefined while it runs. */
  exit(): Exit | undefined;
  /** SIGTERM, then SIGKILL to its whole group after the part's grace; resolves when it is gone. */
  stop(): Promise<Exit>;
  /** SIGKILL to its whole group. */
  kill(): void;
}

/**
 * Starts a part; its output is appended to `logFile`. A file and no pipe: the part outlives a killed supervisor.
 * @throws MillraceError ENGINE_FAILED when the program cannot be started at all
 */
export async function startPart(spec: PartSpec, logFile: string, clock: Clock): Promise<RunningPart> {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a');
  const child = spawn(spec.command, spec.args, {
    cwd: spec.cwd,
    env: spec.env,
    detached: true,
    stdio: ['ignore', log, log],
    ...spec.user,
  });
  closeSync(log);
  await started(child, spec);
  const pid = child.pid;
  if (pid === undefined) throw new MillraceError('ENGINE_FAILED', `${spec.name}: no process was started`);
  let exit: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      exit = { code, signal };
      // What the part itself started must not outlive it: it would hold ports and folders.
      signalGroup(pid, 'SIGKILL');
      resolve(exit);
    });
  });
  return {
    name: spec.name,
    pid,
    exited,
    exit: () => exit,
    kill: () => signalGroup(pid, 'SIGKILL'),
    async stop() {
      if (exit !== undefined) return exit;
      child.kill('SIGTERM');
      const timeout = new AbortController();
      const late = clock.sleep(spec.stopMsMax, timeout.signal).then(() => undefined);
      const result = await Promise.race([exited, late]);
      timeout.abort();
      if (result !== undefined) return result;
      signalGroup(pid, 'SIGKILL');
      return exited;
    },
  };
}

/**
 * Waits until the part says it is ready.
 * @throws MillraceError ENGINE_FAILED (it ended; with its last lines) or DEADLINE
 */
export async function waitReady(
  spec: PartSpec,
  part: RunningPart,
  logFile: string,
  clock: Clock,
  signal?: AbortSignal,
): Promise<void> {
  const deadline = clock.monotonic() + spec.startMsMax;
  while (!signal?.aborted) {
    const exit = part.exit();
    if (exit !== undefined) {
      throw new MillraceError('ENGINE_FAILED', `${spec.name} ${describeExit(exit)}: ${lastLines(logFile)}`, {
        hint: `the whole story is in ${logFile}`,
      });
    }
    if (await isReady(spec)) return;
    if (clock.monotonic() > deadline) {
      throw new MillraceError('DEADLINE', `${spec.name} was not ready after ${spec.startMsMax / 1000} s`, {
        hint: `look into ${logFile}: ${lastLines(logFile)}`,
      });
    }
    await clock.sleep(100, signal);
  }
}

/** "exited with code 1" or "was ended by SIGKILL". */
export function describeExit(exit: Exit): string {
  return exit.signal === null ? `exited with code ${exit.code}` : `was ended by ${exit.signal}`;
}

/** One probe; an engine that cannot be reached yet is one that is not ready. */
export async function isReady(spec: PartSpec): Promise<boolean> {
  try {
    return await spec.ready();
  } catch {
    return false;
  }
}

/** Signals a process group; a group that is gone already is what we want. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function started(child: ChildProcess, spec: PartSpec): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      const hint = `check that ${spec.command} exists and may be run`;
      reject(new MillraceError('ENGINE_FAILED', `${spec.name}: ${cause.message}`, { hint, cause }));
    });
  });
}

/** The last lines of a log, at most 600 characters, on one line. */
function lastLines(logFile: string): string {
  const size = statSync(logFile).size;
  const text = readFileSync(logFile, 'utf8').slice(size === 0 ? 0 : -2000);
  return text.trim().split('\n').slice(-4).join(' | ').slice(-600) || '(no output)';
}
