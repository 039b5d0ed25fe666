import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Usage } from './governor.ts';

/** What this process takes. */
export const processUsage: Usage = {
  cpuMicros() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  residentBytes: () => process.memoryUsage.rss(),
  shrink() {
    collect ??= collector();
    collect();
  },
};

let collect: (() => void) | undefined;

/** Garbage is collected, and its pages given back, when it is asked for and not when there is time for it. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
