import { consumerCommand } from '../consumer-command.ts';

export const ledger = consumerCommand({
  name: 'ledger',
  summary: 'Account for every byte of every file; name what is missing, and why.',
  usage: 'ledger [--host HOST] [--file PATH] [--since TIME] [--watch] [--json]',
  examples: [
    './millrace ledger --host web-3 --since -6h',
    './millrace ledger --json | jq \'select(.type == "gap")\'',
    './millrace ledger --watch --older-than 10m',
  ],
});
