import { PatternMiner } from '@millrace/core/patterns/miner.ts';
import type { Groups } from '@millrace/core/query/pipes/groups.ts';
import { type MessageMiner, runPipes } from '@millrace/core/query/pipes/run.ts';
import type { PipeShape } from '@millrace/core/query/pipes/shape.ts';
import type { ChartTime, Table } from '@millrace/core/query/pipes/table.ts';
import type { SearchHit } from '@millrace/core/store/port.ts';
import type { Access } from '../access/access.ts';
import { seenSource } from '../access/redact.ts';
import { redactionOf } from '../access/redaction.ts';
import type { Context } from '../context.ts';
import type { Shortfall } from '../find/finder.ts';
import { type Hit, hitOf } from '../hit.ts';

type Limits = Context['config']['limits'];

export interface Piped {
  /** Takes the next event found; false when no further one could change the answer. */
  add(found: SearchHit): boolean;
  groups: Groups;
  /** After the last event: what was held back is emitted, then the table is there. */
  end(): { table: Table | undefined; partial: Shortfall[] };
}

/**
 * The pipes of a query over the events that somebody finds in `shape.order`. Whoever reads events by a plan runs its
 * pipes here: they see no more of an event than the access does.
 */
export function piped(
  shape: PipeShape,
  access: Access,
  limits: Limits,
  time: ChartTime | undefined,
  emit: (hit: Hit) => void,
): Piped {
  const redaction = redactionOf(access);
  const run = runPipes<{ id: string; source: Record<string, unknown>; found: SearchHit }>(
    shape,
    { groupsMax: limits.groups_max, rowsMax: limits.held_max, bytesMax: limits.held_bytes_max },
    {
      time,
      miner: shape.table?.type === 'patterns' ? messageMiner() : undefined,
      emit: ({ document, count }) => {
        const hit = hitOf(document.found, access);
        emit(count === undefined ? hit : { ...hit, count });
      },
    },
  );
  return {
    groups: run.groups,
    add: (found) => run.add({ id: found.id, source: seenSource(found.source, redaction), found }),
    end() {
      const { table, shortfalls } = run.end();
      return { table, partial: shortfalls.map((code) => shortfallOf(code, limits)) };
    },
  };
}

function messageMiner(): MessageMiner {
  const miner = new PatternMiner<undefined>();
  return {
    add: (message) => miner.add({ message, timeMs: 0, example: undefined }),
    templates: () => miner.patterns(),
  };
}

function shortfallOf(code: 'buckets' | 'rows', limits: Limits): Shortfall {
  return code === 'buckets'
    ? { code, message: `there are more groups than can be counted exactly; ${limits.groups_max} are kept` }
    : {
        code,
        message: `sort and dedup hold ${limits.held_max} events or ${limits.held_bytes_max} bytes; the rest is left out`,
      };
}
