import { join } from 'node:path';

/**
 * Node's arguments for the agent's program, to be followed by its own. An agent's memory is large buffers outside the
 * heap, which make V8 collect often with little to collect: doing that on more threads costs a fifth of a line's CPU
 * (bench/RESULTS.md). V8 takes the flag at its start only.
 */
export function agentCommand(root: string): string[] {
  return ['--single-threaded-gc', join(root, 'agent', 'src', 'main.ts')];
}
