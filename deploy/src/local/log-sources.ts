import { accessSync, constants, globSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type LogSource, parseJson, parseNone, type StackPaths } from './config-files.ts';
import { demoFiles } from './demo/files.ts';

/** Where the usual systems and servers keep their logs. */
const systemLogs: LogSource[] = [
  { path: '/var/log/syslog', tag: 'system.syslog', parse: parseNone },
  { path: '/var/log/messages', tag: 'system.messages', parse: parseNone },
  { path: '/var/log/*.log', tag: 'system.*', parse: parseNone },
  { path: '/var/log/nginx/access.log', tag: 'nginx.access', parse: ['@type nginx'] },
  { path: '/var/log/nginx/error.log', tag: 'nginx.error', parse: parseNone },
  { path: '/var/log/apache2/*.log', tag: 'apache.*', parse: parseNone },
];

/** Parts whose output is JSON lines of ours; the engines write text. */
const ownParts = ['agent', 'consumer', 'search-api', 'supervisor'];
const engineParts = ['kinesis', 'leases', 's3', 'opensearch'];

export interface LogChoice {
  /** Globs that the user gave, absolute or relative to `cwd`; empty: the usual system logs and Millrace's own. */
  globs: string[];
  cwd: string;
  demo: boolean;
}

/** What the agent of a local stack tails. The line that proves the whole way is always among it. */
export function logSources(paths: StackPaths, choice: LogChoice): LogSource[] {
  const sources: LogSource[] = [{ path: join(paths.self, '*.log'), tag: 'millrace.self', parse: parseNone }];
  if (choice.demo) sources.push(...demoFiles(paths.demo));
  for (const glob of choice.globs) {
    sources.push({ path: resolve(choice.cwd, glob), tag: 'logs.*', parse: parseNone });
  }
  if (choice.globs.length > 0) return sources;
  sources.push(...systemLogs.filter((source) => isReadable(source.path)));
  for (const name of ownParts) {
    sources.push({ path: join(paths.logs, `${name}.log`), tag: `millrace.${name}`, parse: parseJson });
  }
  for (const name of engineParts) {
    sources.push({ path: join(paths.logs, `${name}.log`), tag: `engine.${name}`, parse: parseNone });
  }
  return sources;
}

/** True when the glob has a file now that we may read. */
function isReadable(glob: string): boolean {
  return globSync(glob).some((path) => {
    try {
      accessSync(path, constants.R_OK);
      return true;
    } catch {
      return false;
    }
  });
}
