import { normalize } from 'node:path';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { type LoadEnvironment, loadPipeline } from '../config/load.ts';
import { diskFiles, parseConfig } from '../config/syntax/include.ts';
import { agentEvents } from '../events.ts';
import { importPositions, posFilesOf } from './import.ts';

/**
 * `agent import`: takes the pos_files that the configuration names, or `posFiles`.
 * @returns what was done, for people
 * @throws MillraceError CONFIG_INVALID, USAGE, STATE_LOCKED
 */
export function importCommand(options: {
  config: string;
  posFiles: string[] | undefined;
  dryRun: boolean;
  machineId: string;
  environment: LoadEnvironment;
}): string {
  const { config, dryRun, machineId, environment } = options;
  const pipeline = loadPipeline(config, environment);
  const posFiles =
    options.posFiles?.map((path) => ({ path, where: undefined })) ??
    posFilesOf(parseConfig(normalize(config), environment, diskFiles));
  const telemetry = createTelemetry('agent', agentEvents, createLogger('agent', 'warn'));
  return importPositions({ pipeline, posFiles, machineId, clock: systemClock, telemetry, dryRun });
}
