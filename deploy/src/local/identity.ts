import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** A process that can be recognised again: pids are reused, a pid with its start time is not. */
export interface ProcessIdentity {
  pid: number;
  /** Opaque; undefined when the process ended before it could be asked. */
  started: string | undefined;
}

/** The variable that marks every process of a stack, also those that its parts started. */
export const stackVariable = 'MILLRACE_STACK';

export function identify(pid: number): ProcessIdentity {
  return { pid, started: startTime(pid) };
}

/** True when that very process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identity.started !== undefined && startTime(identity.pid) === identity.started;
}

/**
 * Pids of the stack of this data folder that still run, oldest first: those recorded that are still the same
 * process and, on Linux, every process that carries the stack's mark.
 */
export function findOrphans(dataDir: string, recorded: ProcessIdentity[]): number[] {
  const pids = new Set(recorded.filter(isAlive).map((identity) => identity.pid));
  for (const pid of markedProcesses(dataDir)) pids.add(pid);
  pids.delete(process.pid);
  return [...pids].sort((a, b) => a - b);
}

/** On Linux ticks since boot and the boot itself, elsewhere what `ps` says. A zombie counts as ended. */
function startTime(pid: number): string | undefined {
  if (process.platform !== 'linux') return psStartTime(pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may hold anything, also spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return `${fields[19]}@${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`;
  } catch {
    return undefined;
  }
}

function psStartTime(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    const [state = '', ...time] = line.split(/\s+/);
    return state.startsWith('Z') || time.length === 0 ? undefined : time.join(' ');
  } catch {
    return undefined;
  }
}

function markedProcesses(dataDir: string): number[] {
  const mark = `${stackVariable}=${dataDir}`;
  const found: number[] = [];
  for (const name of processNames()) {
    const pid = Number(name);
    try {
      const variables = readFileSync(`/proc/${name}/environ`, 'utf8').split('\0');
      if (variables.includes(mark) && startTime(pid) !== undefined) found.push(pid);
    } catch {
      // Another user's process, or one that just ended.
    }
  }
  return found;
}

function processNames(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
