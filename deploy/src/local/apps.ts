import { join } from 'node:path';
import { agentCommand } from './agent-command.ts';
import { answers } from './http.ts';
import type { PartSpec } from './process.ts';

export interface AppOptions {
  name: 'agent' | 'consumer' | 'search-api';
  /** The project's root folder. */
  root: string;
  config: string;
  port: number;
  env: NodeJS.ProcessEnv;
  startMsMax: number;
  stopMsMax: number;
}

/** One of our own programs as a process; it is ready when its /readyz says so. */
export function appPart(options: AppOptions): PartSpec {
  const { name, root, port } = options;
  const program = name === 'agent' ? agentCommand(root) : [join(root, name, 'src', 'main.ts')];
  return {
    name,
    command: process.execPath,
    args: [...program, 'run', '--config', options.config],
    env: { ...options.env, NODE_NO_WARNINGS: '1' },
    cwd: root,
    ports: [port],
    ready: () => answers(`http://127.0.0.1:${port}/readyz`, 200),
    startMsMax: options.startMsMax,
    stopMsMax: options.stopMsMax,
  };
}
