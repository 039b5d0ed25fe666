import { isMillraceError, messageOf } from '@millrace/core/errors.ts';
import { backoffMs } from '@millrace/core/runtime/backoff.ts';
import { failureOf } from '../failure.ts';
import { type Alert, accessOf, durationMs } from './alert.ts';
import { stateKind } from './book.ts';
import type { EvaluatorOptions } from './evaluator.ts';
import { count, questionFor } from './question.ts';
import type { Sent } from './sender.ts';
import { type AlertState, fitted, type Notice, withEntry } from './state.ts';
import { dueEnds, newState, step } from './step.ts';
import { noticeText } from './text.ts';

const backoff = { baseMs: 5_000, maxMs: 600_000 };
/** Beyond the timeout of a notice: how long it may take to note how it went. */
const claimSpareMs = 20_000;
/** Notices that one turn sends at a time; the others come with the next. */
const sendsMax = 20;
const mergesMax = 5;

/**
 * One look at one alert: what is due is evaluated, what is to be told is written down, claimed, sent, and crossed out.
 * Each write names the version that was read, so of two evaluators one goes on. Whoever crashes after sending and
 * before crossing out has the notice sent once more, by whoever comes after the claim has run out.
 */
export class AlertTurn {
  readonly #options: EvaluatorOptions;
  readonly #alert: Alert;
  readonly #signal: AbortSignal;

  constructor(options: EvaluatorOptions, alert: Alert, signal: AbortSignal) {
    this.#options = options;
    this.#alert = alert;
    this.#signal = signal;
  }

  /** @throws MillraceError STORE_UNAVAILABLE: the same windows are due again next time */
  async take(): Promise<void> {
    const { store } = this.#options;
    const found = await store.objects.get(stateKind, this.#alert.id, this.#signal);
    const before = found?.value as AlertState | undefined;
    const { state: evaluated, failure } = await this.#evaluated(before);
    const { state, claimed } = this.#claim(evaluated === before ? evaluated : this.#fitted(evaluated));
    if (state !== undefined && state !== before) {
      const version = await store.objects.put(stateKind, this.#alert.id, state, found?.version ?? 'new');
      // Without a version somebody else was faster, with the same windows.
      if (version !== undefined && claimed.length > 0) await this.#tell(state, version, claimed);
    }
    if (failure !== undefined) throw failure;
  }

  /** The state after all windows that are due; with `failure`, up to the one that could not be looked at. */
  async #evaluated(before: AlertState | undefined): Promise<{ state?: AlertState; failure?: unknown }> {
    const { config, clock, emit } = this.#options;
    const alert = this.#alert;
    const present = clock.now() - config.delay_ms;
    const due = dueEnds(durationMs(alert.every), before?.evaluated, present, config.catch_up_max);
    if (due.skipped > 0) emit('alert_windows_skipped', { alert: alert.id, windows: due.skipped });
    let state = before;
    for (const end of due.ends) {
      try {
        state = step(alert, state ?? newState(alert, end), end, await this.#count(end));
      } catch (failure) {
        if (isMillraceError(failure, 'STORE_UNAVAILABLE') || this.#signal.aborted)
          return { ...(state === undefined ? {} : { state }), failure };
        emit('alert_not_evaluated', { alert: alert.id, name: alert.name, reason: messageOf(failure) });
        state = withError(state ?? newState(alert, end), end, reasonFor(failure));
      }
    }
    return state === undefined ? {} : { state };
  }

  #fitted(state: AlertState | undefined): AlertState | undefined {
    if (state === undefined) return undefined;
    const cut = fitted(state);
    const kept = new Set(cut.notices.map(({ key }) => key));
    for (const { key, attempts } of state.notices) {
      if (kept.has(key)) continue;
      const reason = 'there is no room for so many notices that wait';
      this.#options.emit('notice_failed', { alert: this.#alert.id, key, attempts, reason });
    }
    return cut;
  }

  async #count(end: number) {
    const { store, config, requestTimeoutMs } = this.#options;
    const signal = this.#signal;
    const question = await questionFor(store, this.#alert, accessOf(this.#alert), signal);
    const bounds = { timeMsMax: requestTimeoutMs, groupsMax: config.groups_max, signal };
    return count(store, this.#alert, question, end, bounds);
  }

  /** Marks what is to be sent now. It is ours when the state could be written. */
  #claim(state: AlertState | undefined): { state: AlertState | undefined; claimed: Notice[] } {
    const { clock, config, holder } = this.#options;
    const now = clock.now();
    const keepMs = config.notice_timeout_ms + claimSpareMs;
    const isDue = ({ due, claimed }: Notice) =>
      due <= now && (claimed === undefined || claimed.until <= now || claimed.until > now + 10 * keepMs);
    const keys = new Set(
      firstOfEach(state?.notices ?? [])
        .filter(isDue)
        .slice(0, sendsMax)
        .map(({ key }) => key),
    );
    if (state === undefined || keys.size === 0) return { state, claimed: [] };
    const notices = state.notices.map((notice) =>
      keys.has(notice.key)
        ? { ...notice, attempts: notice.attempts + 1, claimed: { by: holder, until: now + keepMs } }
        : notice,
    );
    return { state: { ...state, notices }, claimed: notices.filter(({ key }) => keys.has(key)) };
  }

  async #tell(state: AlertState, version: string, claimed: Notice[]): Promise<void> {
    const { store, send, page, clock } = this.#options;
    // The saved search may be gone meanwhile: what fired is told nevertheless.
    const question = await questionFor(store, this.#alert, accessOf(this.#alert)).catch(() => ({ q: '' }));
    const results = new Map<string, Sent>();
    const sendOne = async (notice: Notice) => {
      const notify = this.#alert.notify[notice.channel];
      // A process that stood still for long may have lost its claim.
      if ((notice.claimed?.until ?? 0) - claimSpareMs / 2 <= clock.now()) return;
      const sent: Sent =
        notify === undefined
          ? { kind: 'failed', reason: 'the alert no longer has this channel' }
          : await send(notify, noticeText(this.#alert, question, notice, page));
      results.set(notice.key, sent);
    };
    await Promise.all(claimed.map(sendOne));
    await this.#crossOut(state, version, results);
  }

  /** Notes how it went, in whatever the state has become. */
  async #crossOut(state: AlertState, version: string, results: Map<string, Sent>): Promise<void> {
    const { objects } = this.#options.store;
    const { id } = this.#alert;
    let [latest, expect] = [state, version];
    for (let merge = 0; merge < mergesMax; merge++) {
      const next = this.#noted(latest, results, merge === 0);
      if ((await objects.put(stateKind, id, next, expect)) !== undefined) return;
      const found = await objects.get(stateKind, id);
      // The alert was deleted.
      if (found === undefined) return;
      [latest, expect] = [found.value as AlertState, found.version];
    }
  }

  #noted(state: AlertState, results: Map<string, Sent>, first: boolean): AlertState {
    const { clock, config, emit } = this.#options;
    const now = clock.now();
    let { history } = state;
    const notices = state.notices.flatMap((notice): Notice[] => {
      const sent = results.get(notice.key);
      if (sent === undefined) return [notice];
      const about = { alert: this.#alert.id, key: notice.key, attempts: notice.attempts };
      if (sent.kind === 'sent') {
        if (first) emit('notice_sent', { ...about, kind: notice.kind });
        return [];
      }
      const { reason } = sent;
      if (sent.kind === 'retry' && notice.attempts < config.notice_attempts_max) {
        if (first) emit('notice_retried', { ...about, reason });
        const { claimed: _claimed, ...open } = notice;
        return [{ ...open, due: now + backoffMs(backoff, notice.attempts, clock.random) }];
      }
      if (first) emit('notice_failed', { ...about, reason });
      history = withEntry(history, {
        to: new Date(notice.end).toISOString(),
        status: 'notice_failed',
        count: notice.count,
        message: reason,
      });
      return [];
    });
    return fitted({ ...state, notices, history });
  }
}

/** The oldest notice of each channel and group: nobody is to hear of an end before its beginning. */
function firstOfEach(notices: readonly Notice[]): Notice[] {
  const first = new Map<string, Notice>();
  for (const notice of notices) {
    const line = `${notice.channel} ${notice.group}`;
    if (!first.has(line)) first.set(line, notice);
  }
  return [...first.values()];
}

function withError(state: AlertState, endMs: number, message: string): AlertState {
  const last = state.history[0];
  const known = last?.status === 'error' && last.message === message;
  const entry = { to: new Date(endMs).toISOString(), status: 'error', count: 0, message } as const;
  return { ...state, evaluated: endMs, history: known ? state.history : withEntry(state.history, entry) };
}

/** What the alert's owner may know of it: nothing of the engine's inside. */
function reasonFor(error: unknown): string {
  const { message, hint } = failureOf(error).body.error;
  return hint === undefined ? message : `${message}: ${hint}`;
}
