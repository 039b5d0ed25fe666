import type { IncomingMessage } from 'node:http';
import type { Api } from './server.ts';

/**
 * Routes stand at the root. The base path is taken off where a reverse proxy left it on, so that both kinds of proxy
 * work, and those who ask past it too; what is made for browsers (cookies, redirects, addresses) has it in front.
 */
export function withoutBase(base: string): (request: Pick<IncomingMessage, 'url'>) => string {
  return ({ url = '/' }) => (base !== '' && url.startsWith(`${base}/`) ? url.slice(base.length) : url);
}

/** The base path without its last `/`: names in the page are relative to the folder that it is in. */
export function baseRoute(api: Api, base: string): void {
  if (base === '') return;
  api.get(base, { config: { open: true } }, ({ url }, reply) => {
    const at = url.indexOf('?');
    return reply.redirect(`${base}/${at < 0 ? '' : url.slice(at)}`, 308);
  });
}
