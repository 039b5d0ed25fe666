import { parseTime } from '@millrace/core/query/time.ts';
import type { CliContext } from '../command.ts';
import type { Api } from './api.ts';
import type { Hit } from './look.ts';
import type { Found, Question } from './pages.ts';
import { tailOf } from './tail-stream.ts';
import { tellTail } from './tell-tail.ts';

/** How far a tail looks back: what was indexed before the search and seen by nobody yet. */
const lookBack = 'now-10s';

/**
 * Prints what a search finds and goes on with what arrives, each event once. The tail begins before the search looks,
 * so that nothing falls between them; what --since or --limit left out does not come by it either.
 */
export async function follow(
  context: CliContext,
  api: Api,
  question: Question,
  limit: number,
  find: () => Promise<Found>,
  print: (hits: Hit[]) => void,
): Promise<void> {
  const { q, stream, from } = question;
  const fromMs = Number(parseTime(from, context.clock.now()).firstNs / 1_000_000n);
  let printed: Set<string> | undefined;
  let oldestMs = fromMs;
  for await (const message of tailOf(api, { q, stream, since: lookBack }, context.clock)) {
    if (printed === undefined) {
      const { hits } = await find();
      printed = new Set(hits.map(({ id }) => id));
      const [oldest] = hits;
      if (oldest !== undefined && hits.length >= limit)
        oldestMs = Math.max(oldestMs, Date.parse(oldest['@timestamp']));
      print(hits);
    }
    if (message.type !== 'hits') {
      tellTail(context, message);
      // From here on all is new, also what is dated long ago.
      if (message.type === 'state' && message.phase === 'live') oldestMs = Number.NEGATIVE_INFINITY;
      continue;
    }
    const known = printed;
    print(message.hits.filter((hit) => !known.has(hit.id) && Date.parse(hit['@timestamp']) >= oldestMs));
  }
}
