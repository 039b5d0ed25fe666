import type { Clock } from '../../runtime/clock.ts';
import type { StoreConfig } from '../config.ts';
import { StoreRejection } from '../failure.ts';
import type { Store } from '../port.ts';
import { isRecord } from '../rest/errors.ts';
import { missingIndices } from '../rest/indices.ts';
import type { PointDialect } from '../rest/point.ts';
import { restStore } from '../rest/store.ts';
import { openTransport } from './transport.ts';

/**
 * OpenSearch reads a time by its default format through a parser that copies what it has at each optional part: an
 * eighth of what indexing costs. Patterns without optional parts, for the precisions that logs have, come before it;
 * the first is what times are shown by, as by the default (decision 0008).
 */
export const openSearchTimes = {
  format: [
    ...['.SSS', '', '.SSSSSS', '.SSSSSSSSS', '.SSSSSSS'].map(
      (fraction) => `uuuu-MM-dd'T'HH:mm:ss${fraction}ZZZZZ`,
    ),
    'strict_date_optional_time',
    'epoch_millis',
  ].join('||'),
};

export function openSearchStore(config: StoreConfig, clock: Clock): Store {
  const transport = openTransport(config, clock);
  const describe: Store['describe'] = async (signal) => {
    const { body } = await transport.call('describe', { method: 'GET', path: '/', signal });
    const version = isRecord(body) && isRecord(body.version) ? body.version : {};
    if (version.distribution !== 'opensearch') {
      throw new StoreRejection(400, 'the server behind store.node is not OpenSearch', {
        hint: 'check store.type and store.node in the configuration',
      });
    }
    return `opensearch ${String(version.number)}`;
  };
  return restStore({ transport, describe, times: openSearchTimes, points }, config, clock);
}

const points: PointDialect = {
  open: (target, keepAlive) => ({
    method: 'POST',
    path: `/${target}/_search/point_in_time`,
    query: { keep_alive: keepAlive, allow_partial_pit_creation: false, ...missingIndices },
  }),
  opened: (body) => body.pit_id,
  close: (point) => ({ method: 'DELETE', path: '/_search/point_in_time', body: { pit_id: [point] } }),
};
