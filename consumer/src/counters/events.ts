import { createTelemetry, type Telemetry } from '@millrace/core/telemetry/events.ts';
import type { Logger } from '@millrace/core/telemetry/log.ts';

/** What the main process says of counters. */
const counterEvents = {
  events_counted: {
    level: 'info',
    message: 'Events of a minute.',
    quantity: 'events',
  },
  counters_other: {
    level: 'warn',
    message: 'Events were counted as "other": more combinations of values than counters.series_max.',
    quantity: 'events',
  },
  counters_untimely: {
    level: 'warn',
    message: 'Events were not counted: of their time CloudWatch takes no metrics.',
    quantity: 'events',
  },
  counters_full: {
    level: 'warn',
    message: 'Events were not counted: they are of more minutes at a time than counters hold.',
    quantity: 'events',
  },
} as const;

export type CounterTelemetry = Telemetry<typeof counterEvents>;

/** CloudWatch reads the lines: no level of the log may keep them back. */
export function counterTelemetry(log: Logger): CounterTelemetry {
  return createTelemetry('consumer', counterEvents, log.child({}, { level: 'info' }));
}
