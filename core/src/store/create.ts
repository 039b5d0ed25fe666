import { type Clock, systemClock } from '../runtime/clock.ts';
import type { StoreConfig } from './config.ts';
import type { Store } from './port.ts';

type Open = (config: StoreConfig, clock: Clock) => Store;

/** Loaded when needed: the client of the other engine would be 20 MB of every process that writes. */
const adapters: Record<StoreConfig['type'], () => Promise<Open>> = {
  opensearch: async () => (await import('./opensearch/adapter.ts')).openSearchStore,
  elasticsearch: async () => (await import('./elasticsearch/adapter.ts')).elasticsearchStore,
};

/**
 * The store that a checked configuration names. Opens no connection yet.
 * @throws MillraceError CONFIG_INVALID when a file it names cannot be read, or its `auth` is not for its engine
 */
export async function createStore(config: StoreConfig, clock: Clock = systemClock): Promise<Store> {
  const open = await adapters[config.type]();
  return open(config, clock);
}
