import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** What one whole process used, from start to exit. */
export interface Usage {
  wallS: number;
  /** User and system time of the process and its children, as the kernel accounts them (10 ms steps). */
  cpuS: number;
  /** Largest resident set seen, megabytes (sampled every 50 ms). */
  rssMb: number;
}

/** Runs a command to its end. @throws when it exits with anything but 0 */
export async function measure(command: string, args: string[], options: SpawnOptions = {}): Promise<Usage> {
  const before = childrenCpuS();
  const start = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options });
  let rssMb = 0;
  const sampler = setInterval(() => {
    rssMb = Math.max(rssMb, residentMb(child.pid ?? 0));
  }, 50);
  const [code] = await once(child, 'exit');
  clearInterval(sampler);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} exited with ${code}`);
  return { wallS: (performance.now() - start) / 1000, cpuS: childrenCpuS() - before, rssMb };
}

/** CPU time of a running process, seconds. */
export function processCpuS(pid: number): number {
  const fields = statFields(pid);
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

const ticksPerSecond = 100;

/** Fields of /proc/PID/stat behind the command name: state is the first. */
function statFields(pid: number | 'self'): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** CPU time of all children that have ended and been waited for. */
function childrenCpuS(): number {
  const fields = statFields('self');
  return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
}

function residentMb(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0; // it has ended between the timer and the read
  }
}
