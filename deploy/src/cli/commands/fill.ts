import { consumerCommand } from '../consumer-command.ts';

export const fill = consumerCommand({
  name: 'fill',
  summary: 'Fill a store from the archive: one that is new, or a second one.',
  usage: 'fill [--store-config FILE] [--once]',
  examples: ['./millrace fill --store-config second.json --once'],
});
