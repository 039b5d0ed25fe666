import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { MillraceError } from '@millrace/core/errors.ts';

/** The ports of one local stack, all on 127.0.0.1, counted from its base. */
export interface StackPorts {
  /** Search API and page. */
  searchApi: number;
  kinesis: number;
  leases: number;
  s3: number;
  opensearch: number;
  opensearchTransport: number;
  agent: number;
  consumer: number;
}

export const portBaseDefault = 6700;

export function stackPorts(base: number): StackPorts {
  return {
    searchApi: base,
    kinesis: base + 1,
    leases: base + 2,
    s3: base + 3,
    opensearch: base + 4,
    opensearchTransport: base + 5,
    agent: base + 6,
    consumer: base + 7,
  };
}

/** True when nobody listens on the port, on loopback or on every interface. */
export async function isPortFree(port: number): Promise<boolean> {
  return (await canListen(port, '127.0.0.1')) && (await canListen(port, '0.0.0.0'));
}

/**
 * Checks all ports before anything is started.
 * @throws MillraceError PORT_TAKEN that names the port and, where the system tells, who has it
 */
export async function requireFreePorts(ports: StackPorts): Promise<void> {
  for (const [use, port] of Object.entries(ports)) {
    if (await isPortFree(port)) continue;
    const who = portHolder(port);
    throw new MillraceError(
      'PORT_TAKEN',
      `port ${port} (${use}) is in use by ${who === undefined ? 'another program' : `pid ${who.pid}: ${who.name}`}`,
      { hint: `stop that program, or choose eight other ports with --port-base ${ports.searchApi + 100}` },
    );
  }
}

/** `count` consecutive free ports; the first is returned. For tests and side-by-side stacks. */
export async function findPortBase(random: () => number, count = 8): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const base = 10_000 + Math.floor(random() * 2_000) * 10;
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isPortFree(base + i)));
    if (free.every(Boolean)) return base;
  }
  throw new MillraceError(
    'PORT_TAKEN',
    `no ${count} consecutive free ports were found between 10000 and 30000`,
  );
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The process that listens on a port; known on Linux only, and only for processes we may look into. */
function portHolder(port: number): { pid: number; name: string } | undefined {
  try {
    const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => listeners(file, port)));
    if (inodes.size === 0) return undefined;
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      if (sockets(pid).some((inode) => inodes.has(inode))) {
        return { pid: Number(pid), name: commandLine(pid) };
      }
    }
  } catch {
    // No /proc, or a process that ended while we looked: the sentence does without a name.
  }
  return undefined;
}

/** The command line as one would type it, cut at 80 characters. */
function commandLine(pid: string): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim().slice(0, 80);
}

/** Socket inodes that listen on the port: state 0A, the port in hexadecimal. */
function listeners(file: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes: string[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/);
    if (columns[1]?.endsWith(suffix) && columns[3] === '0A' && columns[9]) inodes.push(columns[9]);
  }
  return inodes;
}

function sockets(pid: string): string[] {
  const inodes: string[] = [];
  for (const fd of descriptors(pid)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode !== undefined) inodes.push(inode);
    } catch {
      // Closed since it was listed; our own listing has such a one.
    }
  }
  return inodes;
}

function descriptors(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    return []; // another user's process, or one that just ended
  }
}
