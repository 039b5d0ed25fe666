import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { SearchEngine } from './search-engines.ts';
import { awsEnvironment, root } from './stack.ts';

/** A search API in a process of its own. */
export interface SearchServer {
  /** Without a slash at its end. */
  url: string;
  pid: number;
  /** SIGTERM; resolves to the exit code. */
  stop(): Promise<number | null>;
}

/** What of search-api.json a test may say; the store is the engine's unless `store` says otherwise. */
export interface SearchServerWishes {
  archive?: SearchEngine['archive'];
  store?: object;
  /** Further keys of search-api.json; those of `http` are added to its host and port. */
  config?: Record<string, unknown>;
}

/** Starts `search-api run` on a port that is free, and waits until it listens. */
export async function startSearchServer(
  { type, node }: Pick<SearchEngine, 'type' | 'node'>,
  { archive, store = { type, node }, config = {} }: SearchServerWishes = {},
): Promise<SearchServer> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-search-'));
  const file = join(folder, 'search-api.json');
  const http = { host: '127.0.0.1', port: 0, ...(config.http as object | undefined) };
  writeFileSync(file, JSON.stringify({ store, ...(archive && { archive }), ...config, http }));
  const main = join(root, 'search-api/src/main.ts');
  const child = spawn(process.execPath, [main, 'run', '--config', file], {
    env: { ...process.env, ...awsEnvironment },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = once(child, 'exit').then(([code]) => {
    process.off('exit', kill);
    rmSync(folder, { recursive: true, force: true });
    return code as number | null;
  });
  const url = await listening(child.stderr, ended);
  return {
    url,
    pid: child.pid ?? 0,
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/** The address that the log names; the log is read on so that the process never waits for its reader. */
function listening(log: NodeJS.ReadableStream, ended: Promise<number | null>): Promise<string> {
  const lines: string[] = [];
  return new Promise((resolve, reject) => {
    createInterface({ input: log }).on('line', (line) => {
      lines.push(line);
      if (lines.length > 20) lines.shift();
      if (!line.includes('"event":"started"')) return;
      resolve((JSON.parse(line) as { address: string }).address);
    });
    ended.then(
      (code) => reject(new Error(`search-api ended with ${code}: ${lines.join('\n')}`)),
      (error: Error) => reject(error),
    );
  });
}
