import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Emit, EventSpec } from '@millrace/core/telemetry/events.ts';
import { Alarm } from '../index/alarm.ts';

/** What is set aside: one alarm when it begins, one a minute while it goes on, one when it is over. */
export const setAsideEvents = {
  set_aside: {
    level: 'error',
    message: 'Something could not be decoded or indexed and is set aside: ./millrace set-aside shows it.',
  },
  set_aside_more: { level: 'error', message: 'More was set aside in the last minute.' },
  set_aside_over: { level: 'info', message: 'Nothing was set aside in the last minute any more.' },
} as const satisfies Record<string, EventSpec>;

interface StormTelemetry {
  emit: Emit<typeof setAsideEvents>;
  counterBy(name: string, help: string, label: string): (value: string, amount?: number) => void;
}

/** What is told of something set aside, without naming each. */
export interface SetAsideNote {
  reason: string;
  host?: string | undefined;
  rule?: string | undefined;
  error: string;
  /** Events or records; absent: 1. */
  count?: number;
  /** Object that names it. */
  object?: string;
}

const summaryMs = 60_000;
/** Values of a label that are told apart; whoever writes garbage may invent any number of hosts. */
const labelsMax = 50;
/** Prometheus keeps each value for ever. */
const labelUnitsMax = 100;

/** Counts what is set aside and tells of it once per storm, not per record. */
export class SetAsideStorm {
  readonly #clock: Clock;
  readonly #emit: StormTelemetry['emit'];
  readonly #alarm: Alarm;
  readonly #counters: Record<'reason' | 'host' | 'rule', (value: string, amount: number) => void>;
  #total = 0;
  #since = 0;
  #startedMs = 0;
  #reasons = new Map<string, number>();

  constructor(clock: Clock, telemetry: StormTelemetry) {
    this.#clock = clock;
    this.#emit = telemetry.emit;
    this.#alarm = new Alarm(clock, () => this.#summary());
    const counter = (label: 'reason' | 'host' | 'rule') =>
      bounded(telemetry.counterBy(`set_aside_by_${label}_total`, `Set aside, by ${label}.`, label));
    this.#counters = { reason: counter('reason'), host: counter('host'), rule: counter('rule') };
  }

  note(note: SetAsideNote): void {
    const { reason, host, rule, error, object, count = 1 } = note;
    this.#counters.reason(reason, count);
    if (host !== undefined) this.#counters.host(host, count);
    if (rule !== undefined) this.#counters.rule(rule, count);
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + count);
    if (this.#total === 0) {
      this.#startedMs = this.#clock.monotonic();
      this.#emit('set_aside', { reason, error, host, rule, object, count });
      this.#alarm.set(this.#startedMs + summaryMs);
    } else {
      this.#since += count;
    }
    this.#total += count;
  }

  /** No more is told. */
  stop(): void {
    this.#alarm.clear();
  }

  #summary(): void {
    const nowMs = this.#clock.monotonic();
    const reasons = Object.fromEntries(this.#reasons);
    const fields = { total: this.#total, reasons, seconds: Math.round((nowMs - this.#startedMs) / 1000) };
    if (this.#since > 0) {
      this.#emit('set_aside_more', { count: this.#since, ...fields });
      this.#since = 0;
      this.#alarm.set(nowMs + summaryMs);
      return;
    }
    this.#emit('set_aside_over', fields);
    this.#total = 0;
    this.#reasons = new Map();
  }
}

function bounded(count: (value: string, amount?: number) => void): (value: string, amount: number) => void {
  const known = new Set<string>();
  return (value, amount) => {
    const label = value.slice(0, labelUnitsMax);
    if (known.size < labelsMax) known.add(label);
    count(known.has(label) ? label : 'other', amount);
  };
}
