import type { CliContext } from '../command.ts';
import type { TailMessage } from './tail-stream.ts';

/** What a tail says besides events goes to stderr, so that stdout has events alone. */
export function tellTail(context: CliContext, message: Exclude<TailMessage, { type: 'hits' }>): void {
  switch (message.type) {
    case 'skipped':
      context.stderr(
        `${message.count} events left out (${message.reason}), from ${message.from} to ${message.to}\n`,
      );
      return;
    case 'error':
      context.stderr(`${message.message}; the tail goes on by itself\n`);
      return;
    case 'lost':
      context.stderr(`the connection is lost (${message.reason}); it goes on where it was\n`);
      return;
    case 'state':
      return;
  }
}
