import type { RenderedDocument } from '@millrace/core/document/types.ts';
import { messageOf } from '@millrace/core/errors.ts';
import { backoffMs } from '@millrace/core/runtime/backoff.ts';
import { actionBytesMax, bulkAction } from '@millrace/core/store/action.ts';
import { blamesBody, isTooLarge, type StoreRejection } from '@millrace/core/store/failure.ts';
import type { BulkResult } from '@millrace/core/store/port.ts';
import { Alarm } from './alarm.ts';
import { Backlog } from './backlog.ts';
import { fallbackDocument } from './fallback.ts';
import { Group } from './group.ts';
import type { Indexer, IndexerOptions, IndexGroup } from './indexer.ts';
import { Pace } from './pace.ts';
import type { Entry } from './queue.ts';

/** Requests are not made smaller than this, whatever the store says of their size. */
const bodyBytesMin = 64 * 1024;

/** What became of a request's documents, for one event each instead of one per document. */
interface Tally {
  created: number;
  existing: number;
  deferred: Entry[];
  /** Of the deferred: those that were too much for the store. */
  overload: number;
  deferredFor: string;
  fallback: number;
  fallbackFor: string;
  missing: number;
  missingFor: string;
}

/**
 * Every document taken is in exactly one place: in the backlog or in a request under way. It leaves by one answer
 * to its group, or with its group when that is abandoned.
 */
export class BulkIndexer implements Indexer {
  readonly #options: Required<IndexerOptions>;
  readonly #groups = new Set<Group>();
  readonly #backlog: Backlog;
  readonly #pace: Pace;
  readonly #alarm: Alarm;
  readonly #stop = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  readonly #count: Record<'indexed' | 'existing' | 'requests' | 'retries', (amount?: number) => void>;
  #waiting: (() => void)[] = [];
  /** Of all documents taken and not answered for. */
  #bytes = 0;
  #sentMs = Number.NEGATIVE_INFINITY;
  #deferring = false;

  constructor(options: Required<IndexerOptions>) {
    const { clock, config, telemetry } = options;
    this.#options = options;
    this.#backlog = new Backlog(config);
    this.#pace = new Pace(clock, this.#backoff(), telemetry.emit);
    this.#alarm = new Alarm(clock, () => this.#pump());
    this.#count = {
      indexed: telemetry.counter('events_indexed_total', 'Events created in the store'),
      existing: telemetry.counter('events_existing_total', 'Events that the store had already'),
      requests: telemetry.counter('bulk_requests_total', 'Bulk requests sent'),
      retries: telemetry.counter('bulk_retries_total', 'Documents sent again'),
    };
    telemetry.gauge('queue_bytes', 'Bytes of documents not answered for', () => this.#bytes);
  }

  group(): IndexGroup {
    const group = new Group(this.#options.config.exceptions_max, (closed, unanswered) => {
      this.#groups.delete(closed);
      if (unanswered > 0) this.#free(sumBytes(this.#backlog.sweep()));
      // Calls that wait to add to it end.
      this.#wake();
    });
    this.#groups.add(group);
    if (this.#stop.signal.aborted) group.abandon();
    return group;
  }

  async add(documents: readonly RenderedDocument[], to: IndexGroup): Promise<boolean> {
    const group = to as Group;
    while (this.#bytes >= this.#options.config.queue_bytes_max && !group.closed) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (group.closed) return false;
    group.expect(documents.length);
    const tally = newTally();
    for (const document of documents) this.#take(document, group, tally);
    this.#report(tally);
    this.#pump();
    return true;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#alarm.clear();
    for (const group of [...this.#groups]) group.abandon();
    await Promise.all(this.#underWay);
  }

  #take(document: RenderedDocument, group: Group, tally: Tally): void {
    const bytes = Buffer.byteLength(document.source) + actionBytesMax;
    const entry: Entry = { document, group, bytes, deferred: 0, reason: undefined };
    const bytesMax = this.#options.config.body_bytes_max;
    if (bytes > bytesMax) fallBack(entry, `a document of ${bytes} bytes, ${bytesMax} at most`, tally);
    this.#bytes += entry.bytes;
    this.#backlog.push(entry);
  }

  /** Sends what may be sent now, and sets the alarm for what may be sent later. */
  #pump(): void {
    if (this.#stop.signal.aborted) return;
    const { clock, config } = this.#options;
    const now = clock.monotonic();
    const requestsMax = this.#pace.probing ? 1 : config.requests_max;
    while (this.#underWay.size < requestsMax && now >= this.#pace.pausedUntilMs) {
      const batch = this.#backlog.next(now, this.#sentMs + config.flush_ms);
      if (batch === undefined) break;
      this.#sentMs = now;
      const sending = this.#send(batch).finally(() => {
        this.#underWay.delete(sending);
        this.#pump();
      });
      this.#underWay.add(sending);
    }
    // Past times wait for a request under way: its end pumps again.
    const at = Math.max(this.#pace.pausedUntilMs, this.#backlog.nextMs(this.#sentMs + config.flush_ms));
    if (at > now && at < Number.POSITIVE_INFINITY) this.#alarm.set(at);
  }

  async #send(batch: Entry[]): Promise<void> {
    const { store, clock } = this.#options;
    const ingested = new Date(clock.now()).toISOString();
    let body = '';
    for (const entry of batch) body += bulkAction(entry.document, ingested);
    this.#count.requests();
    try {
      const results = await store.bulkCreate(body, batch.length, this.#stop.signal);
      this.#answered(batch, results);
    } catch (error) {
      if (blamesBody(error)) this.#refused(batch, error);
      else this.#failed(batch, messageOf(error));
    }
  }

  #answered(batch: Entry[], results: BulkResult[]): void {
    const tally = newTally();
    const before = sumBytes(batch);
    const back: Entry[] = [];
    for (const [i, entry] of batch.entries()) {
      if (entry.group.closed) continue;
      if (this.#settle(entry, results[i] as BulkResult, tally)) back.push(entry);
    }
    this.#backlog.again(back);
    this.#report(tally);
    this.#defer(tally, batch.length);
    this.#free(before - sumBytes(back) - sumBytes(tally.deferred));
  }

  /** True when the document must be sent again at once, in its fallback shape. */
  #settle(entry: Entry, result: BulkResult, tally: Tally): boolean {
    const { document, group, reason } = entry;
    if (result.kind === 'created' || result.kind === 'exists') {
      if (result.kind === 'created') tally.created++;
      else tally.existing++;
      group.indexed(document.id, reason);
      return false;
    }
    if (result.kind === 'retry') {
      if (result.status === 429 || result.status >= 500) tally.overload++;
      tally.deferredFor = `${result.status} ${result.reason}`;
      tally.deferred.push(entry);
      return false;
    }
    const why = `${result.type}: ${result.reason}`;
    if (reason === undefined) {
      fallBack(entry, why, tally);
      return true;
    }
    tally.missing++;
    tally.missingFor = why;
    group.missing(document.id, why);
    return false;
  }

  /** Sends documents later that the store put off; all wait when most of the request was too much for it. */
  #defer({ deferred, overload, deferredFor }: Tally, sent: number): void {
    const { clock, telemetry } = this.#options;
    if (overload * 2 > sent) this.#pace.failed(deferredFor);
    else this.#pace.succeeded();
    this.#count.retries(deferred.length);
    const attempt = deferred.reduce((most, entry) => Math.max(most, entry.deferred), 0);
    for (const entry of deferred) entry.deferred++;
    const dueMs = clock.monotonic() + backoffMs(this.#backoff(), attempt, clock.random);
    if (deferred.length > 0) this.#backlog.defer(deferred, dueMs);
    if (this.#deferring === this.#backlog.deferring) return;
    this.#deferring = this.#backlog.deferring;
    if (this.#deferring) {
      telemetry.emit('documents_deferred', { documents: deferred.length, reason: deferredFor });
    } else {
      telemetry.emit('documents_accepted');
    }
  }

  /** The request as a whole is wrong: halves of it tell which document makes it so, or are small enough. */
  #refused(batch: Entry[], error: StoreRejection): void {
    this.#pace.succeeded();
    if (batch.length === 1) {
      const rejection = {
        kind: 'rejected',
        status: error.status,
        type: 'request',
        reason: error.message,
      } as const;
      this.#answered(batch, [rejection]);
      return;
    }
    if (isTooLarge(error)) this.#shrink(sumBytes(batch));
    const half = batch.length >> 1;
    this.#backlog.alone([batch.slice(0, half), batch.slice(half)]);
    this.#count.retries(batch.length);
    // Their groups may be gone by now.
    this.#free(sumBytes(this.#backlog.sweep()));
  }

  #shrink(bytes: number): void {
    const smaller = Math.max(bodyBytesMin, Math.floor(Math.min(bytes, this.#backlog.bodyBytesMax) / 2));
    if (smaller >= this.#backlog.bodyBytesMax) return;
    this.#backlog.bodyBytesMax = smaller;
    this.#options.telemetry.emit('bodies_shrunk', { refused_bytes: bytes, body_bytes_max: smaller });
  }

  #failed(batch: Entry[], reason: string): void {
    if (!this.#stop.signal.aborted) {
      this.#pace.failed(reason);
      this.#count.retries(batch.length);
    }
    this.#backlog.again(batch);
    this.#free(sumBytes(this.#backlog.sweep()));
  }

  #report(tally: Tally): void {
    const { emit } = this.#options.telemetry;
    if (tally.created > 0) this.#count.indexed(tally.created);
    if (tally.existing > 0) this.#count.existing(tally.existing);
    const { fallback, fallbackFor, missing, missingFor } = tally;
    if (fallback > 0) emit('documents_fallback', { documents: fallback, reason: fallbackFor });
    if (missing > 0) emit('documents_missing', { documents: missing, reason: missingFor });
  }

  #free(bytes: number): void {
    this.#bytes -= bytes;
    if (this.#bytes < this.#options.config.queue_bytes_max) this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  #backoff() {
    const { base_ms, max_ms } = this.#options.config.retry;
    return { baseMs: base_ms, maxMs: max_ms };
  }
}

function newTally(): Tally {
  return {
    created: 0,
    existing: 0,
    deferred: [],
    overload: 0,
    deferredFor: '',
    fallback: 0,
    fallbackFor: '',
    missing: 0,
    missingFor: '',
  };
}

function fallBack(entry: Entry, why: string, tally: Tally): void {
  entry.reason = why;
  entry.document = fallbackDocument(entry.document, why);
  entry.bytes = Buffer.byteLength(entry.document.source) + actionBytesMax;
  tally.fallback++;
  tally.fallbackFor = why;
}

function sumBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.bytes;
  return bytes;
}
