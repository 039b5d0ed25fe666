import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** What one whole process used, from start to exit. */
export interface Usage {
  /** Wall-clock time of the start, milliseconds. */
  startMs: number;
  wallS: number;
  /** User and system time of the process and its children, as the kernel accounts them (10 ms steps). */
  cpuS: number;
  /** Largest resident set, megabytes. */
  rssMb: number;
}

export interface MeasureOptions extends SpawnOptions {
  /** For what does not end by itself: it is stopped when this is true, at the latest after `untilMs`. */
  until?: () => boolean | Promise<boolean>;
  untilMs?: number;
}

/** Runs a command to its end. @throws when it exits with anything but 0, or is not through in time */
export async function measure(
  command: string,
  args: string[],
  { until, untilMs = 180_000, ...options }: MeasureOptions = {},
): Promise<Usage> {
  const before = childrenCpuS();
  const startMs = Date.now();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options });
  let rssMb = 0;
  const sampler = setInterval(() => {
    rssMb = Math.max(rssMb, residentMb(child.pid ?? 0));
  }, 20);
  const exited = once(child, 'exit');
  try {
    if (until) await stopWhen(child, until, startMs + untilMs);
    const [code] = await exited;
    if (code !== 0) throw new Error(`${command} ${args.join(' ')} exited with ${code}`);
  } finally {
    clearInterval(sampler);
  }
  return { startMs, wallS: (Date.now() - startMs) / 1000, cpuS: childrenCpuS() - before, rssMb };
}

/** CPU time of a running process, seconds. */
export function processCpuS(pid: number): number {
  const fields = statFields(pid);
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** A running process and all below it. */
export function processTree(root: number): { pid: number; name: string; fields: string[] }[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), name: commandName(name), fields: statFields(Number(name)) }));
  const below = (pid: number): typeof all =>
    all.filter((each) => Number(each.fields[1]) === pid).flatMap((each) => [each, ...below(each.pid)]);
  return [...all.filter(({ pid }) => pid === root), ...below(root)];
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

const ticksPerSecond = 100;

async function stopWhen(
  child: ChildProcess,
  until: () => boolean | Promise<boolean>,
  endMs: number,
): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    if (await until()) {
      child.kill('SIGTERM');
      return;
    }
    if (Date.now() > endMs) {
      child.kill('SIGKILL');
      throw new Error(`${child.spawnfile} was not through in time`);
    }
    await delay(50);
  }
}

/** Fields of /proc/PID/stat behind the command name: state is the first. */
function statFields(pid: number | 'self'): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return []; // it has ended
  }
}

function commandName(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return ''; // it has ended
  }
}

/** CPU time of all children that have ended and been waited for. */
function childrenCpuS(): number {
  const fields = statFields('self');
  return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
}

/** The largest that it has been. */
function residentMb(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0; // it has ended between the timer and the read
  }
}
