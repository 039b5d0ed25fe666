import type { RenderedDocument } from '@millrace/core/document/types.ts';
import { messageOf } from '@millrace/core/errors.ts';
import { backoffMs } from '@millrace/core/runtime/backoff.ts';
import { Reminder } from '@millrace/core/runtime/reminder.ts';
import { actionBytesMax, bulkAction } from '@millrace/core/store/action.ts';
import { blamesBody, isTooLarge, type StoreRejection } from '@millrace/core/store/failure.ts';
import type { BulkResult } from '@millrace/core/store/port.ts';
import { Alarm } from './alarm.ts';
import { Backlog } from './backlog.ts';
import { BodySize } from './body-size.ts';
import { Group } from './group.ts';
import { IndexGuard } from './index-guard.ts';
import type { Indexer, IndexerOptions, IndexGroup } from './indexer.ts';
import { Pace } from './pace.ts';
import type { Entry } from './queue.ts';
import { exceptionOf, fallBack, newTally, type Tally } from './tally.ts';

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
  readonly #size: BodySize;
  readonly #guard: IndexGuard;
  readonly #stop = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  readonly #count: Record<'indexed' | 'existing' | 'requests' | 'retries', (amount?: number) => void>;
  #waiting: (() => void)[] = [];
  /** Of all documents taken and not answered for. */
  #bytes = 0;
  #sentMs = Number.NEGATIVE_INFINITY;
  #deferring = false;
  readonly #unread: Reminder;
  readonly #blocked: Reminder;

  constructor(options: Required<IndexerOptions>) {
    const { clock, config, telemetry, guarded } = options;
    this.#options = options;
    this.#unread = new Reminder(clock);
    this.#blocked = new Reminder(clock);
    this.#backlog = new Backlog(config);
    this.#size = new BodySize(config.body_bytes_max, telemetry.emit);
    this.#guard = new IndexGuard(clock, guarded ? config.new_indices_max : Number.POSITIVE_INFINITY);
    this.#pace = new Pace(clock, this.#backoff(), config.requests_max, telemetry.emit);
    this.#alarm = new Alarm(clock, () => this.#pump());
    this.#count = {
      indexed: telemetry.counter('events_indexed_total', 'Events created in the store'),
      existing: telemetry.counter('events_existing_total', 'Events that the store had already'),
      requests: telemetry.counter('bulk_requests_total', 'Bulk requests sent'),
      retries: telemetry.counter('bulk_retries_total', 'Documents sent again'),
    };
    telemetry.gauge('queue_bytes', 'Bytes of documents not answered for', () => this.#bytes);
  }

  group(object?: string): IndexGroup {
    const onClosed = (closed: Group, unanswered: number) => {
      this.#groups.delete(closed);
      if (unanswered > 0) this.#free(sumBytes(this.#backlog.sweep()));
      // Calls that wait to add to it end.
      this.#wake();
    };
    const group = new Group(this.#options.config.exceptions_max, onClosed, object);
    this.#groups.add(group);
    if (this.#stop.signal.aborted) group.abandon();
    return group;
  }

  async add(documents: readonly RenderedDocument[], to: IndexGroup, block?: string): Promise<boolean> {
    const group = to as Group;
    while (this.#bytes >= this.#options.config.queue_bytes_max && !group.closed) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (!(await this.#knowHorizons(group)) || group.closed) return false;
    const { horizons } = this.#options;
    const hot = documents.filter(({ index }) => !horizons.isCold(index));
    group.expect(hot.length);
    group.cold(documents.length - hot.length);
    const tally = newTally();
    for (const document of hot) this.#take(document, group, block, tally);
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

  /** Nothing is indexed before it is known which days are hot; false when the group was abandoned before. */
  async #knowHorizons(group: Group): Promise<boolean> {
    const { clock, horizons, telemetry } = this.#options;
    for (let attempt = 0; !group.closed; attempt++) {
      try {
        await horizons.refresh(this.#stop.signal);
        this.#unread.over();
        return true;
      } catch (error) {
        if (this.#stop.signal.aborted) return false;
        // While this is waited for, nothing may be sent that would tell of it.
        if (this.#unread.due()) telemetry.emit('horizons_unread', { error: messageOf(error) });
        await clock.sleep(backoffMs(this.#backoff(), attempt, clock.random), this.#stop.signal);
      }
    }
    return false;
  }

  #take(document: RenderedDocument, group: Group, block: string | undefined, tally: Tally): void {
    const bytes = Buffer.byteLength(document.source) + actionBytesMax;
    const entry: Entry = { document, group, block, bytes, deferred: 0, reason: undefined };
    if (!this.#guard.admits(document.index)) {
      const why = `more than ${this.#options.config.new_indices_max} new indices within an hour`;
      tally.missing++;
      tally.missingFor = why;
      group.missing(exceptionOf(entry, why));
      return;
    }
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
    while (this.#underWay.size < this.#pace.requestsMax && now >= this.#pace.pausedUntilMs) {
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
    const { store, clock, overwrite } = this.#options;
    const ingested = new Date(clock.now()).toISOString();
    const body = bulkBody(batch, ingested, overwrite ? 'index' : 'create');
    this.#count.requests();
    try {
      const results = await store.bulkCreate(body, batch.length, this.#stop.signal);
      this.#backlog.bodyBytesMax = this.#size.taken(sumBytes(batch));
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
    const { group, reason } = entry;
    if (result.kind === 'created' || result.kind === 'exists') {
      if (result.kind === 'created') tally.created++;
      else tally.existing++;
      group.indexed(reason === undefined ? undefined : exceptionOf(entry, reason));
      return false;
    }
    if (result.kind === 'retry') {
      if (result.cause === 'block') tally.blocked++;
      else if (result.status === 429 || result.status >= 500) tally.overload++;
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
    group.missing(exceptionOf(entry, why));
    return false;
  }

  /** Sends documents later that the store put off; all wait when most of the request was too much for it. */
  #defer({ deferred, overload, blocked, deferredFor }: Tally, sent: number): void {
    const { clock, telemetry } = this.#options;
    if (overload * 2 > sent) this.#pace.failed(deferredFor);
    else if (overload > 0) this.#pace.overloaded();
    else this.#pace.succeeded();
    this.#count.retries(deferred.length);
    const attempt = deferred.reduce((most, entry) => Math.max(most, entry.deferred), 0);
    for (const entry of deferred) entry.deferred++;
    const dueMs = clock.monotonic() + backoffMs(this.#backoff(), attempt, clock.random);
    if (deferred.length > 0) this.#backlog.defer(deferred, dueMs);
    if (blocked > 0 && this.#blocked.due()) {
      telemetry.emit('indices_blocked', { documents: blocked, reason: deferredFor });
    }
    if (this.#deferring === this.#backlog.deferring) return;
    this.#deferring = this.#backlog.deferring;
    if (this.#deferring) {
      telemetry.emit('documents_deferred', { documents: deferred.length, reason: deferredFor });
    } else {
      this.#blocked.over();
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
    if (isTooLarge(error)) this.#backlog.bodyBytesMax = this.#size.refused(sumBytes(batch));
    const half = batch.length >> 1;
    this.#backlog.alone([batch.slice(0, half), batch.slice(half)]);
    this.#count.retries(batch.length);
    // Their groups may be gone by now.
    this.#free(sumBytes(this.#backlog.sweep()));
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

/** As bytes: as one string it would be flattened, measured twice and encoded, each time a pass over all of it. */
function bulkBody(batch: readonly Entry[], ingested: string, write: 'create' | 'index'): Buffer {
  let body = Buffer.allocUnsafe(sumBytes(batch));
  let end = 0;
  for (const { document } of batch) {
    const action = bulkAction(document, ingested, write);
    // What an entry is counted as bounds what is written for it; where it would not, nothing may be cut off.
    if (action.length * 3 > body.length - end) {
      const missing = Buffer.byteLength(action) - (body.length - end);
      if (missing > 0) body = Buffer.concat([body, Buffer.allocUnsafe(missing)]);
    }
    end += body.write(action, end);
  }
  return body.subarray(0, end);
}

function sumBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.bytes;
  return bytes;
}
