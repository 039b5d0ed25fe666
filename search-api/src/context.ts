import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import type { Telemetry } from '@millrace/core/telemetry/events.ts';
import type { SearchApiConfig } from './config.ts';
import type { Events } from './events.ts';

/** What routes work with. */
export interface Context {
  config: Omit<SearchApiConfig, 'store'>;
  store: Store;
  clock: Clock;
  telemetry: Telemetry<Events>;
}
