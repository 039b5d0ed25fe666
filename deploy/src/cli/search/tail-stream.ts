import { isMillraceError } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { type Api, answered, ask, NobodyAnswers, type Parameters } from './api.ts';
import type { Hit } from './look.ts';

/** What a live tail says (docs/live-tail.md). */
export type TailMessage =
  | { type: 'hits'; hits: Hit[] }
  | { type: 'skipped'; count: number; reason: string; from: string; to: string }
  | { type: 'state'; phase: 'joining' | 'live' | 'paused'; store: 'ok' | 'down' }
  | { type: 'error'; message: string }
  /** Of our own: the connection broke, and is made again. */
  | { type: 'lost'; reason: string };

/** Waits before a connection is made again, milliseconds; the last one again and again. */
const reconnectMs = [500, 1000, 2000, 5000];

/**
 * What arrives, without end: a broken connection is made again where it broke.
 * @throws NobodyAnswers, MillraceError when the first connection is refused, or a later one for good
 */
export async function* tailOf(api: Api, parameters: Parameters, clock: Clock): AsyncGenerator<TailMessage> {
  let cursor: string | undefined;
  let connected = false;
  for (let failures = 0; ; failures++) {
    let reason = 'the server ended it';
    try {
      const since = cursor ?? parameters.since;
      for await (const { event, data, id } of eventsOf(api, { ...parameters, since })) {
        connected = true;
        failures = 0;
        yield { ...(answered(data) as object), type: event } as TailMessage;
        // Only now: what was not taken is sent again.
        if (id !== undefined) cursor = id;
      }
    } catch (error) {
      const refused = isMillraceError(error) && error.code !== 'STORE_UNAVAILABLE';
      if (!connected || refused) throw error;
      reason = error instanceof NobodyAnswers ? error.message : String((error as Error).message);
    }
    yield { type: 'lost', reason };
    await clock.sleep(reconnectMs[Math.min(failures, reconnectMs.length - 1)] ?? 0);
  }
}

async function* eventsOf(api: Api, parameters: Parameters) {
  const { body } = await ask(api, 'tail', parameters, { headers: { accept: 'text/event-stream' } });
  if (body === null) return;
  const events = body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  for await (const event of events) if (event.data !== '') yield event;
}
