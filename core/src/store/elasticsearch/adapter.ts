import { MillraceError } from '../../errors.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { StoreConfig } from '../config.ts';
import { StoreRejection } from '../failure.ts';
import type { Store } from '../port.ts';
import { isRecord } from '../rest/errors.ts';
import { missingIndices } from '../rest/indices.ts';
import type { PointDialect } from '../rest/point.ts';
import { restStore } from '../rest/store.ts';
import { ForeignProduct, openTransport } from './transport.ts';

export function elasticsearchStore(config: StoreConfig, clock: Clock): Store {
  const transport = openTransport(config, clock);
  const describe: Store['describe'] = async (signal) => {
    const query = { filter_path: 'nodes.*.version' };
    try {
      // Not `GET /`: distributions without the module rest-root do not answer it.
      const path = '/_nodes/_local';
      const { body } = await transport.call('describe', { method: 'GET', path, query, signal });
      const nodes = isRecord(body) && isRecord(body.nodes) ? Object.values(body.nodes) : [];
      const version = isRecord(nodes[0]) ? nodes[0].version : undefined;
      if (typeof version === 'string') return `elasticsearch ${version}`;
      throw new MillraceError('STORE_UNAVAILABLE', 'describe: no node tells its version');
    } catch (error) {
      if (!(error instanceof ForeignProduct)) throw error;
      throw new StoreRejection(400, 'the server behind store.node is not Elasticsearch', {
        hint: 'check store.type and store.node in the configuration',
      });
    }
  };
  return restStore({ transport, describe, times: {}, points }, config, clock);
}

const points: PointDialect = {
  open: (target, keepAlive) => ({
    method: 'POST',
    path: `/${target}/_pit`,
    query: { keep_alive: keepAlive, ...missingIndices },
  }),
  opened: (body) => body.id,
  close: (point) => ({ method: 'DELETE', path: '/_pit', body: { id: point } }),
};
