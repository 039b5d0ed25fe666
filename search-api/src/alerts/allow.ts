import { MillraceError } from '@millrace/core/errors.ts';
import type { Notify } from './alert.ts';
import type { AlertsConfig } from './config.ts';

type Allowed = Pick<AlertsConfig, 'allowed_hosts' | 'allowed_topics'>;

/**
 * Whether a notice may go there. Names are compared, not addresses: what is listed is trusted with its DNS.
 * @throws MillraceError QUERY_INVALID
 */
export function assertAllowed(notify: Notify, allowed: Allowed): void {
  if (notify.type !== 'sns') {
    assertHost(notify.url, allowed);
    return;
  }
  if (notify.endpoint !== undefined) assertHost(notify.endpoint, allowed);
  if (allowed.allowed_topics.some((pattern) => matchesText(pattern, notify.topic_arn))) return;
  throw new MillraceError('QUERY_INVALID', `notify: ${notify.topic_arn} is no topic to publish to`, {
    hint: 'list it in alerts.allowed_topics of search-api.json',
  });
}

function assertHost(address: string, { allowed_hosts }: Allowed): void {
  let url: URL;
  try {
    url = new URL(address);
  } catch (cause) {
    throw new MillraceError('QUERY_INVALID', 'notify: the address is no URL', { cause });
  }
  if (url.username !== '' || url.password !== '')
    throw new MillraceError('QUERY_INVALID', 'notify: the address has a user in it', {
      hint: 'pass an authorization header',
    });
  if (allowed_hosts.some((entry) => isHost(entry, url))) return;
  throw new MillraceError('QUERY_INVALID', `notify: ${url.origin} is no address to send to`, {
    hint: 'list its host in alerts.allowed_hosts of search-api.json',
  });
}

function isHost(entry: string, url: URL): boolean {
  const [, scheme = 'https', name = '', port = ''] =
    /^(?:(https?):\/\/)?([^:]+)(?::(\d+))?$/.exec(entry) ?? [];
  const defaultPort = scheme === 'https' ? '443' : '80';
  if (url.protocol !== `${scheme}:` || (url.port || defaultPort) !== (port || defaultPort)) return false;
  const host = url.hostname.toLowerCase();
  const wanted = name.toLowerCase();
  return wanted.startsWith('*.') ? host.endsWith(wanted.slice(1)) : host === wanted;
}

function matchesText(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (!text.startsWith(first)) return false;
  if (rest.length === 0) return text === first;
  let at = first.length;
  for (const [i, part] of rest.entries()) {
    if (i === rest.length - 1) return text.length - part.length >= at && text.endsWith(part);
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return true;
}
