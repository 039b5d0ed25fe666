import { isLoopback } from './access/config.ts';
import { refusedOrigin } from './access/origin.ts';
import type { Context } from './context.ts';
import { failure } from './failure.ts';
import type { Api } from './server.ts';

/** Nothing from elsewhere, nothing inline, in nobody's frame. */
const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** What every request passes: security headers, the name the server is called by, the page that it comes from. */
export function guard(api: Api, { config, telemetry }: Context): void {
  const allowed = allowedNames(config.http);
  api.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders);
    const refusal = allowed?.has(request.hostname.toLowerCase()) === false ? foreignName : undefined;
    const refused = refusal ?? refusedOrigin(request, config.http.public_url);
    if (refused === undefined) return undefined;
    telemetry.emit(refused.event, { path: request.routeOptions.url, host: request.hostname });
    return reply.code(refused.status).send(refused.body);
  });
}

const foreignName = failure(
  403,
  'query_refused',
  'FORBIDDEN',
  'this server is not called by that host name',
  'call it by localhost or its address, or list the name in http.allowed_hosts',
);

/** The bound on costly requests; behind the hooks that say who asks, so that strangers take nobody's place. */
export function boundCostly(api: Api, { config, telemetry }: Context): void {
  const requests = telemetry.counter('requests_total', 'Searches and histograms asked for');
  const tookMs = telemetry.counter('request_milliseconds_total', 'Time that searches and histograms took');
  let running = 0;
  telemetry.gauge('requests_running', 'Searches and histograms running now', () => running);

  api.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config.costly !== true) return undefined;
    if (running >= config.requests_max) {
      telemetry.emit('busy', { path: request.routeOptions.url });
      return reply.code(429).header('retry-after', '1').send(tooBusy.body);
    }
    running++;
    requests();
    // Also when the client goes away: `close` comes always, and once.
    reply.raw.once('close', () => {
      running--;
      tookMs(reply.elapsedTime);
    });
    return undefined;
  });
}

const tooBusy = failure(429, 'busy', 'BUSY', 'too many searches at a time', 'try again in a moment');

/** Names that the server answers to; undefined: any, it is meant to be reached from elsewhere, by whatever name. */
function allowedNames(http: Context['config']['http']): Set<string> | undefined {
  const own = isLoopback(http.host) ? [http.host] : [];
  if (own.length === 0 && http.allowed_hosts.length === 0) return undefined;
  const names = ['localhost', '127.0.0.1', '::1', '[::1]', ...own, ...http.allowed_hosts];
  if (http.public_url !== undefined) names.push(new URL(http.public_url).hostname);
  return new Set(names.map((name) => name.toLowerCase()));
}
