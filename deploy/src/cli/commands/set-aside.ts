import { consumerCommand } from '../consumer-command.ts';

export const setAside = consumerCommand({
  name: 'set-aside',
  summary: 'Show what could not be decoded or indexed, and try it again.',
  usage: 'set-aside [ls|show ID|redrive] … (set-aside --help tells all)',
  examples: ['./millrace set-aside --from now-1d', './millrace set-aside redrive --reason rule'],
});
