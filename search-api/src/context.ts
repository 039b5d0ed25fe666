import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import type { Telemetry } from '@millrace/core/telemetry/events.ts';
import type { SearchApiConfig } from './config.ts';
import type { Events } from './events.ts';
import type { LedgerDesk } from './ledger-desk.ts';
import type { ReplayJobs } from './replays/jobs.ts';

/** What routes work with. */
export interface Context {
  config: Omit<SearchApiConfig, 'store' | 'archive' | 'ledger' | 'replays'>;
  store: Store;
  /** Absent without an archive in the configuration. */
  ledger?: LedgerDesk | undefined;
  /** Absent without `replays` in the configuration. */
  replays?: ReplayJobs | undefined;
  clock: Clock;
  telemetry: Telemetry<Events>;
}
