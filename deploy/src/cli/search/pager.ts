import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { CliContext } from '../command.ts';

/**
 * Prints through a pager when stdout is a terminal: `PAGER`, else `less`, which ends by itself when all fits on the
 * screen. Without one, or when it is closed early, what is left is printed plainly, or not at all.
 */
export async function paged(context: CliContext, text: string): Promise<void> {
  const { env, stdoutTty = false } = context;
  const pager = env.PAGER ?? 'less';
  if (!stdoutTty || pager === '' || pager === 'cat') return context.stdout(text);
  const child = spawn(pager, {
    shell: env.PAGER !== undefined,
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { LESS: 'FRX', ...env },
  });
  const started = await Promise.race([
    once(child, 'spawn').then(() => true),
    once(child, 'error').then(() => false),
  ]);
  if (!started) return context.stdout(text);
  const ended = once(child, 'close');
  // Whoever closes the pager has seen enough.
  child.stdin.on('error', () => {});
  child.stdin.end(text);
  await ended;
}
