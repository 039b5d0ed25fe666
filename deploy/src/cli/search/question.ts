import { MillraceError } from '@millrace/core/errors.ts';
import type { Option, Parsed } from '../command.ts';
import type { Question } from './pages.ts';

/** Which events: the same for all commands that look for some. */
export const questionOptions: Record<string, Option> = {
  since: { type: 'string', value: 'TIME', default: '15m', help: 'Events of the last 30s, 15m, 6h, 7d.' },
  from: { type: 'string', value: 'TIME', help: 'First time, instead of --since: ISO 8601, now-1d/d, *.' },
  to: { type: 'string', value: 'TIME', help: 'Last time.' },
  stream: { type: 'string', value: 'NAME', help: 'One stream (default: all).' },
  source: { type: 'string', value: 'WHERE', help: 'hot, archive, or auto: both, where it has to be.' },
};

/** @throws MillraceError USAGE */
export function questionOf({ strings, positionals }: Parsed): Question {
  const { since = '', from, to, stream, source } = strings;
  if (from === undefined && !/^\d{1,6}[smhdwMy]$/.test(since))
    throw new MillraceError('USAGE', `--since "${since}" is no time span such as 30s, 15m, 6h, 7d or 1y`);
  return {
    q: positionals[0] ?? '',
    from: from ?? `now-${since}`,
    ...(to === undefined ? {} : { to }),
    ...(stream === undefined ? {} : { stream }),
    ...(source === undefined ? {} : { source }),
  };
}
