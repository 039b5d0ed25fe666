import { setTimeout as delay } from 'node:timers/promises';
import { childrenOf, eventually, pidOf, type StackUnderTest } from './stack.ts';

/** Every kind of process that a stack has. The consumer is three: its own, the KCL's daemon, and a child per shard. */
export const victims = [
  'agent',
  'consumer',
  'daemon',
  'child',
  'opensearch',
  'kinesis',
  's3',
  'leases',
  'search-api',
] as const;

export type Victim = (typeof victims)[number];

/** `kill -9`. Waits for the process to exist: it may be starting again from the last time. */
export async function killVictim(stack: StackUnderTest, victim: Victim): Promise<void> {
  process.kill(await runningPid(stack, victim), 'SIGKILL');
}

/** Stops a process for a while, as a slow disk, a debugger or a moved virtual machine does; it does not notice. */
export async function pauseVictim(stack: StackUnderTest, victim: Victim, ms: number): Promise<void> {
  const pid = await runningPid(stack, victim);
  process.kill(pid, 'SIGSTOP');
  try {
    await delay(ms);
  } finally {
    try {
      process.kill(pid, 'SIGCONT');
    } catch {
      // Its supervisor found it dead and started another.
    }
  }
}

function runningPid(stack: StackUnderTest, victim: Victim): Promise<number> {
  return eventually(`${victim} runs`, 120, () => pidOfVictim(stack, victim));
}

async function pidOfVictim(stack: StackUnderTest, victim: Victim): Promise<number | undefined> {
  if (victim !== 'daemon' && victim !== 'child') return pidOf(stack, victim);
  const children = await childrenOf(await pidOf(stack, 'consumer'));
  const daemon = children.find((item) => item.command.includes('MultiLangDaemon'));
  if (victim === 'daemon' || daemon === undefined) return daemon?.pid;
  return (await childrenOf(daemon.pid))[0]?.pid;
}
