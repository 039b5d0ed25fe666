import { workerData } from 'node:worker_threads';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { consumerEvents } from '../events.ts';
import { BlockWatch } from './block-watch.ts';
import type { OwnWatchOptions } from './own-watch.ts';

const lookMs = 500;

const { stateDir, msMax, logLevel } = workerData as OwnWatchOptions;
const { emit } = createTelemetry('consumer', consumerEvents, createLogger('consumer', logLevel));
const watch = new BlockWatch(stateDir, systemClock, msMax, (pid) => pid === process.pid);

for (;;) {
  const [found] = watch.hanging();
  if (found !== undefined) {
    const { pid, record, deaths } = found;
    emit('filler_hung', { pid, block: record, deaths });
    process.kill(pid, 'SIGKILL');
  }
  await systemClock.sleep(lookMs);
}
