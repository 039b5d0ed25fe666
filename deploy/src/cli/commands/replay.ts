import { consumerCommand } from '../consumer-command.ts';

export const replay = consumerCommand({
  name: 'replay',
  summary: 'Write archived events into the store again, to a stream or to stdout; make corrections.',
  usage: 'replay [--from TIME] [--to TIME] [--query Q] … (replay --help tells all)',
  examples: [
    './millrace replay --from now-2d --dry-run',
    "./millrace replay --from 2026-11-20 --to 2026-11-21 --tag 'nginx.*'",
    './millrace replay --query level:error --target stdout | jq .message',
    './millrace replay --correct fixed-parser.json',
  ],
});
