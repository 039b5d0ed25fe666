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
  const pid = await eventually(`${victim} runs`, 120, () => pidOfVictim(stack, victim));
  process.kill(pid, 'SIGKILL');
}

async function pidOfVictim(stack: StackUnderTest, victim: Victim): Promise<number | undefined> {
  if (victim !== 'daemon' && victim !== 'child') return pidOf(stack, victim);
  const children = await childrenOf(await pidOf(stack, 'consumer'));
  const daemon = children.find((item) => item.command.includes('MultiLangDaemon'));
  if (victim === 'daemon' || daemon === undefined) return daemon?.pid;
  return (await childrenOf(daemon.pid))[0]?.pid;
}
