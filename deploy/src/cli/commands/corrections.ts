import { consumerCommand } from '../consumer-command.ts';

export const corrections = consumerCommand({
  name: 'corrections',
  summary: 'List corrections of archived events, withdraw them, apply them again.',
  usage: 'corrections [ls] [--stream NAME] | corrections withdraw STREAM/NUMBER | corrections apply',
  examples: ['./millrace corrections', './millrace corrections withdraw logs/3'],
});
