import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The running stack that all e2e tests share; e2e/run.ts starts it and says where it is. */
export interface StackUnderTest {
  /** Search API and page. */
  url: string;
  portBase: number;
  dataDir: string;
  /** Folder whose files, at any depth, the stack's agent follows: all names with `.log` in them. */
  logs: string;
  /** First port of the proxies that disturb the engines, in the order of `proxied`; only in long tests. */
  faults?: number;
  /** Folder on a small file system of its own that holds the agent's state, where one could be mounted. */
  smallDisk?: string;
}

/** @throws Error without a stack: a test that is skipped proves nothing */
export function stackUnderTest(): StackUnderTest {
  const value = process.env.MILLRACE_E2E_STACK;
  if (value === undefined) throw new Error('no stack: run ./millrace test e2e');
  return JSON.parse(value) as StackUnderTest;
}

/** The environment that reaches the local engines. */
export const awsEnvironment = {
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_REGION: 'us-east-1',
  AWS_EC2_METADATA_DISABLED: 'true',
};

export const clientOptions = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
};

export function endpoint(stack: StackUnderTest, part: 'kinesis' | 'leases' | 's3' | 'opensearch'): string {
  const offset = { kinesis: 1, leases: 2, s3: 3, opensearch: 4 }[part];
  return `http://127.0.0.1:${stack.portBase + offset}`;
}

export const root = fileURLToPath(new URL('../../', import.meta.url));
const cli = join(root, 'deploy/src/cli/main.ts');
const run = promisify(execFile);

/** Runs `./millrace` with these arguments; never throws for an exit code. */
export async function millrace(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const { stdout, stderr } = await run(process.execPath, [cli, ...args], {
      cwd: root,
      maxBuffer: 64 * 1024 * 1024,
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const failed = error as { code?: number; stdout?: string; stderr?: string };
    return { code: Number(failed.code ?? -1), stdout: failed.stdout ?? '', stderr: failed.stderr ?? '' };
  }
}

export interface PartStatus {
  name: string;
  pid?: number;
  health: string;
  restarts: number;
}

export async function parts(stack: StackUnderTest): Promise<PartStatus[]> {
  const { stdout } = await millrace('status', '--json', '--data', stack.dataDir);
  return (JSON.parse(stdout) as { parts: PartStatus[] }).parts;
}

export async function pidOf(stack: StackUnderTest, name: string): Promise<number> {
  const part = (await parts(stack)).find((item) => item.name === name);
  if (part?.pid === undefined) throw new Error(`part ${name} has no process`);
  return part.pid;
}

/** Waits until every part is healthy. */
export async function healthy(stack: StackUnderTest, seconds = 120): Promise<void> {
  let last: PartStatus[] = [];
  for (let i = 0; i < seconds; i++) {
    last = await parts(stack);
    if (last.length > 0 && last.every((part) => part.health === 'ok')) return;
    await delay(1000);
  }
  throw new Error(`not healthy after ${seconds} s: ${JSON.stringify(last)}`);
}

/** Processes whose parent is `pid`. */
export async function childrenOf(pid: number): Promise<{ pid: number; command: string }[]> {
  const { stdout } = await run('ps', ['-eo', 'pid=,ppid=,args=']);
  return stdout
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null && Number(match[2]) === pid)
    .map((match) => ({ pid: Number(match?.[1]), command: match?.[3] ?? '' }));
}

/** Polls until `look` gives a value; fails with `what` after `seconds`. */
export async function eventually<T>(
  what: string,
  seconds: number,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  let problem: unknown;
  do {
    try {
      const value = await look();
      if (value !== undefined) return value;
      problem = undefined;
    } catch (error) {
      problem = error;
    }
    await delay(250);
  } while (performance.now() < deadline);
  throw new Error(`not within ${seconds} s: ${what}`, { cause: problem });
}
