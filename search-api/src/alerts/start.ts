import { generationText, mintGeneration } from '@millrace/core/ids/generation.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import type { Telemetry } from '@millrace/core/telemetry/events.ts';
import type { SearchApiConfig } from '../config.ts';
import type { Events } from '../events.ts';
import { Evaluator } from './evaluator.ts';
import { createSender } from './sender.ts';

/** Evaluates alerts from now on; undefined when this server is to evaluate none. */
export function startAlerts(
  { alerts, http, request_timeout_ms }: SearchApiConfig,
  store: Store,
  clock: Clock,
  emit: Telemetry<Events>['emit'],
): Evaluator | undefined {
  if (!alerts.evaluate) return undefined;
  const evaluator = new Evaluator({
    store,
    config: alerts,
    requestTimeoutMs: request_timeout_ms,
    holder: generationText(mintGeneration(clock)),
    page: http,
    send: createSender(alerts, clock),
    clock,
    emit,
  });
  evaluator.start();
  return evaluator;
}
