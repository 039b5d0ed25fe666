import { type Clock, systemClock } from '../runtime/clock.ts';
import type { StoreConfig } from './config.ts';
import { elasticsearchStore } from './elasticsearch/adapter.ts';
import { openSearchStore } from './opensearch/adapter.ts';
import type { Store } from './port.ts';

const adapters: Record<StoreConfig['type'], (config: StoreConfig, clock: Clock) => Store> = {
  opensearch: openSearchStore,
  elasticsearch: elasticsearchStore,
};

/**
 * The store that a checked configuration names. Opens no connection yet.
 * @throws MillraceError CONFIG_INVALID when a file it names cannot be read, or its `auth` is not for its engine
 */
export function createStore(config: StoreConfig, clock: Clock = systemClock): Store {
  return adapters[config.type](config, clock);
}
