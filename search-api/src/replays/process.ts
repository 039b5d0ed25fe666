import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How a replay ended: an error, or what it found. */
export interface ReplayOutcome {
  error?: string;
  result?: Record<string, unknown>;
}

/** Starts a replay with these flags; `result` never rejects. */
export type StartReplay = (
  flags: string[],
  onProgress: (progress: Record<string, unknown>) => void,
) => { result: Promise<ReplayOutcome>; stop(): void };

const killAfterMs = 10_000;
const errorUnitsMax = 1_000;

/** Replays by the consumer's program, which has its own configuration and shares our environment. */
export function replayProcesses(program: string, configFile: string): StartReplay {
  return (flags, onProgress) => {
    const args = [program, 'replay', '--config', configFile, ...flags];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const outcome: ReplayOutcome = {};
    let said = '';
    createInterface({ input: child.stdout }).on('line', (line) => {
      outcome.result = parsed(line) ?? outcome.result ?? {};
    });
    createInterface({ input: child.stderr }).on('line', (line) => {
      const message = parsed(line);
      if (message?.type === 'progress') onProgress(message);
      else if (message === undefined) said = `${said}${line}\n`.slice(-errorUnitsMax);
    });
    const { promise, resolve } = Promise.withResolvers<ReplayOutcome>();
    child.once('error', (error) => resolve({ error: error.message }));
    child.once('close', (code, signal) => {
      if (code !== 0) outcome.error = said.trim() || `the replay ended with ${signal ?? `code ${code}`}`;
      resolve(outcome);
    });
    return {
      result: promise,
      stop() {
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
        void promise.then(() => clearTimeout(timer));
      },
    };
  };
}

function parsed(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
