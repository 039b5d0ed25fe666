import { consumerCommand } from '../consumer-command.ts';

export const retention = consumerCommand({
  name: 'retention',
  summary: 'Delete the indices of days that are over, when the archive answers for them.',
  usage: 'retention [--days N] [--dry-run] … (retention --help tells all)',
  examples: ['./millrace retention --days 30 --dry-run'],
});
