import type { Gap } from '@millrace/archive/ledger/report.ts';
import { isMillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Access } from '../access/access.ts';
import { nameAllowed, streamAllowed } from '../access/streams.ts';
import type { Context } from '../context.ts';
import { Background } from './background.ts';
import { Fresh } from './fresh.ts';
import { type StreamStatus, StreamStatuses } from './streams.ts';
import type { UnmarkedObjects } from './unmarked.ts';

export interface Status {
  store: 'ok' | 'down';
  streams: StreamStatus[];
  /** Null: no archive is configured. */
  archive: ArchiveStatus | null;
  /** Null: no archive is configured, or the ledger is not read yet. */
  gaps: GapStatus | null;
}

export interface ArchiveStatus {
  /** Null: not known, now or yet. */
  unindexed_objects: number | null;
  /** When the oldest of them was written. */
  oldest: string | null;
}

export interface GapStatus {
  count: number;
  bytes: number;
  /** Since when the oldest is missing. */
  since: string | null;
  /** When the ledger was read. */
  at: string;
}

interface ReadGaps {
  atMs: number;
  gaps: Gap[];
}

/** The ledger route's own question, so that both have one answer. */
const ledgerQuestion = JSON.stringify({ since: 'now-24h', olderThan: '10m' });
const ledgerSinceMs = 24 * 3_600_000;
const ledgerOlderMs = 600_000;

/** Says where results may be incomplete. Everybody who asks shares what is read, each sees what is for them. */
export class StatusDesk {
  readonly #streams: StreamStatuses;
  readonly #statuses: Fresh<StreamStatus[]>;
  readonly #unmarked: Background<Map<string, UnmarkedObjects>> | undefined;
  readonly #gaps: Background<ReadGaps> | undefined;

  constructor({ store, clock, config, unmarked, ledger, telemetry }: Context) {
    const { streams_fresh_ms, archive_fresh_ms, gaps_fresh_ms } = config.status;
    this.#streams = new StreamStatuses(store, clock);
    this.#statuses = new Fresh(clock, streams_fresh_ms);
    const onFailure = (error: unknown) =>
      telemetry.emit(
        isMillraceError(error, 'STORE_UNAVAILABLE') ? 'store_unavailable' : 'archive_unavailable',
        { reason: messageOf(error) },
      );
    if (unmarked !== undefined)
      this.#unmarked = new Background({
        clock,
        freshMs: archive_fresh_ms,
        onFailure,
        read: () => unmarked.read(),
      });
    if (ledger !== undefined)
      this.#gaps = new Background({
        clock,
        freshMs: gaps_fresh_ms,
        onFailure,
        read() {
          const atMs = clock.now();
          const request = { sinceMs: atMs - ledgerSinceMs, olderThanMs: ledgerOlderMs };
          return ledger.ask(ledgerQuestion, request)?.then(({ gaps }) => ({ atMs, gaps }));
        },
      });
  }

  async status(access: Access): Promise<Status> {
    const { tags, hosts, streams } = access;
    const question = JSON.stringify([tags, hosts, streams]);
    const unmarked = this.#unmarked === undefined ? null : unmarkedFor(this.#unmarked.get(), access);
    const gaps = gapsFor(this.#gaps?.get(), access);
    try {
      const found = await this.#statuses.get(question, () => this.#streams.read(access));
      return { store: 'ok', streams: found, archive: unmarked, gaps };
    } catch (error) {
      if (!isMillraceError(error, 'STORE_UNAVAILABLE')) throw error;
      return { store: 'down', streams: [], archive: unmarked, gaps };
    }
  }
}

function unmarkedFor(found: Map<string, UnmarkedObjects> | undefined, access: Access): ArchiveStatus {
  if (found === undefined) return { unindexed_objects: null, oldest: null };
  let objects = 0;
  let oldestMs = Number.POSITIVE_INFINITY;
  for (const [stream, of] of found) {
    if (!streamAllowed(access, stream)) continue;
    objects += of.objects;
    oldestMs = Math.min(oldestMs, of.oldestMs);
  }
  return { unindexed_objects: objects, oldest: shown(oldestMs) };
}

/** Only numbers: who is limited need not know of hosts and files. */
function gapsFor(read: ReadGaps | undefined, access: Access): GapStatus | null {
  if (read === undefined) return null;
  const gaps = read.gaps.filter(
    ({ stream, host = '', tag = '' }) =>
      streamAllowed(access, stream) && nameAllowed(access.hosts, host) && nameAllowed(access.tags, tag),
  );
  return {
    count: gaps.length,
    bytes: gaps.reduce((sum, { bytes }) => sum + bytes, 0),
    // There may be more of them than a call takes arguments.
    since: shown(gaps.reduce((oldest, { sinceMs }) => Math.min(oldest, sinceMs), Number.POSITIVE_INFINITY)),
    at: new Date(read.atMs).toISOString(),
  };
}

function shown(ms: number): string | null {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : null;
}
