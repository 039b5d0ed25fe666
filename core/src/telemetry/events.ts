// Not the whole of it: the rest brings OpenTelemetry along, a tenth of the agent's start.
import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Registry from 'prom-client/lib/registry.js';
import type { Logger } from './log.ts';

/** What one kind of event is: its log line and its counter come from here and nowhere else. */
export interface EventSpec {
  level: 'debug' | 'info' | 'warn' | 'error';
  /** A sentence; also the help text of the counter. */
  message: string;
  /** Field whose number is added to the counter; without it each event counts 1. */
  quantity?: string;
}

/** Emits a typed event: one log line and one counter step together, so neither can be forgotten. */
export type Emit<Events extends Record<string, EventSpec>> = (
  name: keyof Events & string,
  fields?: Record<string, unknown>,
) => void;

export interface Telemetry<Events extends Record<string, EventSpec>> {
  emit: Emit<Events>;
  log: Logger;
  registry: Registry;
  /** A gauge read when it is scraped. */
  gauge(name: string, help: string, read: () => number): void;
  /** The same with one label: a value for each label value. */
  gaugeBy(name: string, help: string, label: string, read: () => Iterable<[string, number]>): void;
  /** A counter for hot paths, without a log line. */
  counter(name: string, help: string): (amount?: number) => void;
  /** The same with one label; asked for again it is the same counter. */
  counterBy(name: string, help: string, label: string): (value: string, amount?: number) => void;
}

/** Counters are `millrace_<component>_<event>_total`, gauges `millrace_<component>_<name>`. */
export function createTelemetry<Events extends Record<string, EventSpec>>(
  component: string,
  specs: Events,
  log: Logger,
): Telemetry<Events> {
  const registry = new Registry();
  const prefix = `millrace_${component.replaceAll('-', '_')}_`;
  const counters = new Map<string, Counter>();
  const labelled = new Map<string, Counter>();
  for (const [name, spec] of Object.entries(specs)) {
    counters.set(
      name,
      new Counter({ name: `${prefix}${name}_total`, help: spec.message, registers: [registry] }),
    );
  }
  return {
    log,
    registry,
    emit(name, fields = {}) {
      const spec = specs[name];
      if (spec === undefined) throw new TypeError(`unknown event ${name}`);
      const amount = spec.quantity === undefined ? 1 : Number(fields[spec.quantity] ?? 1);
      counters.get(name)?.inc(amount);
      log[spec.level]({ event: name, ...fields }, spec.message);
    },
    gauge(name, help, read) {
      new Gauge({
        name: prefix + name,
        help,
        registers: [registry],
        collect() {
          this.set(read());
        },
      });
    },
    gaugeBy(name, help, label, read) {
      new Gauge({
        name: prefix + name,
        help,
        labelNames: [label],
        registers: [registry],
        collect() {
          this.reset();
          for (const [value, amount] of read()) this.set({ [label]: value }, amount);
        },
      });
    },
    counter(name, help) {
      const counter = new Counter({ name: prefix + name, help, registers: [registry] });
      return (amount = 1) => counter.inc(amount);
    },
    counterBy(name, help, label) {
      const known = labelled.get(name);
      const counter =
        known ?? new Counter({ name: prefix + name, help, labelNames: [label], registers: [registry] });
      labelled.set(name, counter);
      return (value, amount = 1) => counter.inc({ [label]: value }, amount);
    },
  };
}
