import { messageOf } from '@millrace/core/errors.ts';
import type { AgentTelemetry } from '../events.ts';

const pathsMax = 10_000;

/** Paths that cannot be followed. Each is reported once, until it can be read. */
export class Unreadable {
  readonly #paths = new Set<string>();
  readonly #telemetry: AgentTelemetry;

  constructor(telemetry: AgentTelemetry) {
    this.#telemetry = telemetry;
  }

  report(path: string, error: unknown): void {
    if (this.#paths.has(path)) return;
    // Beyond its bound the oldest is reported again when it is met again.
    const [oldest] = this.#paths;
    if (this.#paths.size >= pathsMax && oldest !== undefined) this.#paths.delete(oldest);
    this.#paths.add(path);
    this.#telemetry.emit('file_unreadable', { path, error: messageOf(error) });
  }

  forget(path: string): void {
    this.#paths.delete(path);
  }
}
