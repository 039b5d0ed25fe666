import type { Clock } from '../../runtime/clock.ts';
import type { StoreConfig } from '../config.ts';
import { StoreRejection } from '../failure.ts';
import type { Store } from '../port.ts';
import { isRecord } from '../rest/errors.ts';
import { restStore } from '../rest/store.ts';
import { openTransport } from './transport.ts';

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
  return restStore({ transport, describe }, config, clock);
}
