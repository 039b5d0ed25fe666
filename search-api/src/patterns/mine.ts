import { hiddenMark } from '@millrace/core/patterns/characters.ts';
import { PatternMiner } from '@millrace/core/patterns/miner.ts';
import type { SearchHit } from '@millrace/core/store/port.ts';
import type { Access } from '../access/access.ts';
import { fieldAllowed } from '../access/allowed.ts';
import { redactedText } from '../access/redact.ts';
import type { Context } from '../context.ts';
import { type SampleEnd, sample } from '../count/sample.ts';
import { hitOf } from '../hit.ts';
import type { Plan } from '../plan.ts';

/** Patterns of events; the example of each is an event id. */
export type EventMiner = PatternMiner<string>;

export function eventMiner({ config }: Context): EventMiner {
  return new PatternMiner({ templatesMax: config.limits.patterns_max });
}

export interface MineRequest {
  plan: Plan;
  nowMs: number;
  access: Access;
  /** Events looked at. */
  max: number;
  /** Time that reading them should take. */
  msWanted: number;
  /** Patterns are counted under this number. */
  group?: number;
}

const minedFields = ['message', '@timestamp', 'log.level'];

/** Adds the events of a plan, or a sample of them, to a miner. */
export async function mine(
  { store, clock, config }: Context,
  miner: EventMiner,
  { plan, nowMs, access, max, msWanted, group = 0 }: MineRequest,
  signal: AbortSignal,
): Promise<SampleEnd> {
  // What is hidden is hidden in messages too, which takes the whole document.
  const isWhole = access.redact.length > 0;
  const showsLevel = fieldAllowed(access, 'log.level');
  const msMax = config.limits.query_ms_max;
  const options = { store, clock, max, msMax, msWanted, ...(isWhole ? {} : { fields: minedFields }) };
  const pages = sample(plan, nowMs, options, signal);
  for (;;) {
    const next = await pages.next();
    if (next.done) return next.value;
    const { hits, weight } = next.value;
    for (const hit of hits) {
      miner.add({
        message: isWhole ? shownMessage(hit, access) : String(hit.source.message ?? ''),
        timeMs: Date.parse(String(hit.source['@timestamp'])),
        level: showsLevel ? levelOf(hit) : undefined,
        weight,
        group,
        example: hit.id,
      });
    }
  }
}

/** What is hidden is a mask, or the pattern's query would look for the word that stands in its place. */
function shownMessage(hit: SearchHit, access: Access): string {
  return hitOf(hit, access).message.replaceAll(redactedText, hiddenMark);
}

function levelOf({ source }: SearchHit): string | undefined {
  const { log } = source;
  const level = typeof log === 'object' && log !== null ? (log as { level?: unknown }).level : undefined;
  return typeof level === 'string' ? level : undefined;
}
