import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { type ErrorCode, MillraceError } from '@millrace/core/errors.ts';
import type { PartStatus } from '../local/supervisor.ts';
import { type CliContext, exitCodes, type Parsed } from './command.ts';
import { createProgress, type Progress } from './progress.ts';

/** What a supervisor in the background tells the command that started it. */
type Message =
  | { type: 'say' | 'now'; text: string }
  | { type: 'parts'; parts: PartStatus[] }
  | { type: 'ready' }
  | { type: 'failed'; code: ErrorCode; text: string; hint: string | undefined };

/**
 * Starts the same command as a session leader in the background and shows its progress until it is up.
 * @throws MillraceError the background's own, when it fails before that
 */
export async function detach(context: CliContext, parsed: Parsed, dataDir: string): Promise<number> {
  const progress = createProgress(context);
  const logs = join(dataDir, 'logs');
  mkdirSync(logs, { recursive: true });
  const log = openSync(join(logs, 'supervisor.log'), 'a');
  const [script = ''] = process.argv.slice(1);
  const child = spawn(process.execPath, [script, 'up', ...argumentsOf(parsed, dataDir)], {
    cwd: context.cwd,
    env: context.env,
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  try {
    await new Promise<void>((resolve, reject) => {
      child.on('message', (message: Message) => {
        if (message.type === 'ready') resolve();
        else if (message.type === 'failed') reject(failure(message));
        else show(progress, message);
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
        const hint = `its own words are in ${join(logs, 'supervisor.log')}`;
        reject(new MillraceError('ENGINE_FAILED', `the supervisor in the background ${how}`, { hint }));
      });
    });
  } finally {
    progress.end();
    if (child.connected) child.disconnect();
    child.unref();
  }
  progress.say(`It runs in the background; ./millrace down --data ${dataDir} stops it.`);
  return exitCodes.ok;
}

function failure(message: Extract<Message, { type: 'failed' }>): MillraceError {
  return new MillraceError(
    message.code,
    message.text,
    message.hint === undefined ? {} : { hint: message.hint },
  );
}

/** Undefined when no command waits for us. */
export function reportToParent():
  | { progress: Progress; ready(): void; failed(error: MillraceError): void; gone: Promise<void> }
  | undefined {
  if (process.send === undefined) return undefined;
  let waiting = true;
  const send = (message: Message): void => {
    // The parent may leave at any moment; nobody is left to be told then.
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
  };
  return {
    progress: {
      say: (text) => send({ type: 'say', text }),
      now: (text) => send({ type: 'now', text }),
      parts: (parts) => send({ type: 'parts', parts }),
      end: () => undefined,
    },
    ready() {
      waiting = false;
      send({ type: 'ready' });
    },
    failed(error) {
      waiting = false;
      send({ type: 'failed', code: error.code, text: error.message, hint: error.hint });
    },
    gone: new Promise((resolve) => {
      process.once('disconnect', () => {
        if (waiting) resolve();
      });
    }),
  };
}

function show(progress: Progress, message: Exclude<Message, { type: 'ready' | 'failed' }>): void {
  if (message.type === 'parts') progress.parts(message.parts);
  else if (message.type === 'say') progress.say(message.text);
  else progress.now(message.text);
}

/** The command line again, less --detach. */
function argumentsOf(parsed: Parsed, dataDir: string): string[] {
  const args = [`--data=${dataDir}`];
  for (const [name, value] of Object.entries(parsed.strings)) {
    if (name !== 'data' && value !== undefined) args.push(`--${name}=${value}`);
  }
  for (const [name, values] of Object.entries(parsed.lists)) {
    for (const value of values) args.push(`--${name}=${value}`);
  }
  for (const [name, given] of Object.entries(parsed.flags)) {
    if (given && name !== 'detach' && name !== 'help') args.push(`--${name}`);
  }
  return args;
}
