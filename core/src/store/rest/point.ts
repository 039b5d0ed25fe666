import { isMillraceError, MillraceError } from '../../errors.ts';
import { StoreRejection } from '../failure.ts';
import type { Store } from '../port.ts';
import { isRecord } from './errors.ts';
import { indexTarget, missingIndices } from './indices.ts';
import type { Call } from './transport.ts';

/** How an engine opens and closes points in time: the one thing about them that is not the same. */
export interface PointDialect {
  /** `target`: indices as they stand in a path. */
  open(target: string, keepAlive: string): Call;
  /** The point's name, out of the answer. */
  opened(body: Record<string, unknown>): unknown;
  close(point: string): Call;
}

/** A point on no index at all, which not every engine has. */
const emptyPoint = 'empty';

export function isEmptyPoint(point: string | undefined): boolean {
  return point === emptyPoint;
}

type Send = (what: string, call: Call) => Promise<{ status: number; body: unknown }>;

/** Asked once: an engine that has no room for another point has none in half a second either. */
export function points(ask: Send, dialect: PointDialect): Pick<Store, 'openPoint' | 'closePoint'> {
  return {
    async openPoint(indices, keepMs, signal) {
      const target = indexTarget(indices);
      if (target === undefined) return emptyPoint;
      try {
        const call = { ...dialect.open(target, `${keepMs}ms`), signal };
        const { body } = await ask('open a point in time', call);
        const point = isRecord(body) ? dialect.opened(body) : undefined;
        if (typeof point === 'string' && point !== '') return point;
        throw new MillraceError('STORE_UNAVAILABLE', 'open a point in time: the answer names none');
      } catch (error) {
        // OpenSearch stumbles over its own answer when no index is there.
        if (error instanceof StoreRejection && (await isNothing(ask, target, signal))) return emptyPoint;
        throw error;
      }
    },

    async closePoint(point, signal) {
      if (isEmptyPoint(point)) return;
      await ask('close a point in time', { ...dialect.close(point), accept: [404], signal });
    },
  };
}

/**
 * What a search within a point failed for. Shards that are not there are those of the point, whose indices may have
 * been deleted or moved: whether they answer without it, a search without it shows.
 */
export function pointError(error: unknown): unknown {
  const gone =
    isMillraceError(error, 'STORE_UNAVAILABLE') && /no_shard_available|context_missing/.test(error.message);
  return gone ? new StoreRejection(404, error.message) : error;
}

async function isNothing(ask: Send, target: string, signal: AbortSignal | undefined): Promise<boolean> {
  const path = `/${target}/_search`;
  const call: Call = { method: 'POST', path, query: missingIndices, body: { size: 0 }, signal };
  const { body } = await ask('_search', call);
  return isRecord(body) && isRecord(body._shards) && body._shards.total === 0;
}
