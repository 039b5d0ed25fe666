import type { AnalyticsStack } from '../stacks/analytics.ts';
import type { ConsumerStack } from '../stacks/consumer.ts';
import type { GatewayStack } from '../stacks/gateway.ts';
import type { LedgerStack } from '../stacks/ledger.ts';
import type { Parts } from '../stacks/parts.ts';
import type { SearchApiStack } from '../stacks/search-api.ts';
import type { ShardsStack } from '../stacks/shards.ts';

/** What alarms and dashboard look at. */
export interface Watched extends Parts {
  consumer: ConsumerStack;
  searchApi: SearchApiStack;
  ledger: LedgerStack;
  /** Undefined: nobody but people changes the shards. */
  shards: ShardsStack | undefined;
  /** Undefined: there is none. */
  gateway: GatewayStack | undefined;
  analytics: AnalyticsStack | undefined;
}
