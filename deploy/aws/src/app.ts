import type { App } from 'aws-cdk-lib';
import type { Settings } from './settings/schema.ts';
import { AccessStack } from './stacks/access.ts';
import { AlarmsStack } from './stacks/alarms.ts';
import { AnalyticsStack } from './stacks/analytics.ts';
import { ArchiveStack } from './stacks/archive.ts';
import { ConsumerStack } from './stacks/consumer.ts';
import { FleetStack } from './stacks/fleet.ts';
import { GatewayStack } from './stacks/gateway.ts';
import { ImagesStack } from './stacks/images.ts';
import { LedgerStack } from './stacks/ledger.ts';
import { NetworkStack } from './stacks/network.ts';
import { SearchApiStack } from './stacks/search-api.ts';
import { ShardsStack } from './stacks/shards.ts';
import { StoreStack } from './stacks/store.ts';
import { StreamStack } from './stacks/stream.ts';

/** All stacks of one stage, below `app`. Nothing here asks an account for anything: a synthesis needs no network. */
export function addStage(app: App, settings: Settings): void {
  const network = new NetworkStack(app, settings);
  const access = new AccessStack(app, settings);
  const parts = {
    network,
    access,
    images: new ImagesStack(app, settings),
    stream: new StreamStack(app, settings, access.key),
    archive: new ArchiveStack(app, settings, access.key),
    store: settings.store.existing === undefined ? new StoreStack(app, settings, network, access) : undefined,
  };
  const consumer = new ConsumerStack(app, settings, parts);
  const searchApi = new SearchApiStack(app, settings, parts);
  const ledger = new LedgerStack(app, settings, parts);
  const { autoscale } = settings.stream;
  const shards =
    autoscale && access.shards && new ShardsStack(app, settings, parts, autoscale, access.shards);
  const gateway = settings.gateway && new GatewayStack(app, settings, parts);
  new FleetStack(app, settings, parts);
  const analytics = settings.analytics && new AnalyticsStack(app, settings, parts);
  new AlarmsStack(app, settings, { ...parts, consumer, searchApi, ledger, gateway, shards, analytics });
}
