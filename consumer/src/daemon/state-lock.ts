import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError } from '@millrace/core/errors.ts';
import { commandLine } from './command-line.ts';

/**
 * Makes this process the only consumer of a state folder: two would share a worker id and each other's launcher.
 * @throws MillraceError STATE_LOCKED
 */
export function lockState(folder: string): void {
  const file = join(folder, 'main.pid');
  const pid = recorded(file);
  if (pid !== undefined && pid !== process.pid && /consumer\S*main\.ts/.test(commandLine(pid))) {
    throw new MillraceError('STATE_LOCKED', `${folder} is in use by process ${pid}`, {
      hint: 'stop it, or give this consumer a state_dir of its own',
    });
  }
  writeFileSync(file, `${process.pid}\n`);
}

function recorded(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined; // nobody was here before
  }
}
