import { consumerCommand } from '../consumer-command.ts';

export const archive = consumerCommand({
  name: 'archive',
  summary: 'List, search, verify the archive, and write files back byte for byte.',
  usage: 'archive ls|cat|grep|restore|verify … (archive --help tells all)',
  examples: [
    './millrace archive ls --from now-1d',
    './millrace archive restore --host web-1 --file /var/log/nginx/access.log --out restored/',
    './millrace archive verify --deep',
  ],
});
