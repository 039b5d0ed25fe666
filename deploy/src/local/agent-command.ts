import { join } from 'node:path';

/**
 * Node's flags for the agent, which V8 takes at its start only. Its heap is small and its garbage short-lived:
 * threads cost more than they help, and a young generation of 4 MiB spares most of a start's collections without holding
 * 48 MiB as the default would. What is made for one line dies young, whatever V8 concludes from its first seconds: made in
 * the old generation, it costs a fifth of the CPU and 80 MB where events are sent one by one. And no expression, however written, may hold up every other file: one that backtracks without
 * end is run again in linear time.
 */
export const agentFlags: readonly string[] = [
  '--single-threaded-gc',
  '--min-semi-space-size=4',
  '--max-semi-space-size=4',
  '--no-allocation-site-pretenuring',
  '--enable-experimental-regexp-engine-on-excessive-backtracks',
];

/** Node's arguments for the agent's program, to be followed by its own. */
export function agentCommand(root: string): string[] {
  return [...agentFlags, join(root, 'agent', 'src', 'main.ts')];
}
