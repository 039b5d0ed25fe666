import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import type { Telemetry } from '@millrace/core/telemetry/events.ts';
import type { Gate } from './access/gate.ts';
import type { AuditFile } from './audit/file.ts';
import type { SearchApiConfig } from './config.ts';
import type { Events } from './events.ts';
import type { BesideStore } from './find/archive-finder.ts';
import type { Finder } from './find/finder.ts';
import type { Horizons } from './find/kept-horizons.ts';
import type { LedgerDesk } from './ledger-desk.ts';
import type { ReplayJobs } from './replays/jobs.ts';
import type { UnmarkedReader } from './status/unmarked.ts';

/** What routes work with. */
export interface Context {
  config: Omit<SearchApiConfig, 'store' | 'archive' | 'ledger' | 'replays' | 'access' | 'audit'>;
  store: Store;
  horizons: Horizons;
  finder: Finder;
  /** Finds what the store does not have; without an archive there is no such thing. */
  beside: BesideStore;
  /** Absent without an archive in the configuration. */
  ledger?: LedgerDesk | undefined;
  /** Archive objects without a mark; absent without an archive. */
  unmarked?: Pick<UnmarkedReader, 'read'> | undefined;
  /** Absent without `replays` in the configuration. */
  replays?: ReplayJobs | undefined;
  gate: Gate;
  /** Absent without `audit.file` in the configuration. */
  auditFile?: AuditFile | undefined;
  clock: Clock;
  telemetry: Telemetry<Events>;
}
