import type { FastifyRequest } from 'fastify';
import { type Failure, failure } from '../failure.ts';

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/**
 * A page of another origin may make browsers send requests that change something, and open WebSockets, with all the
 * rights that its reader has here, also those of sitting on the same machine. Browsers say where it comes from.
 */
export function refusedOrigin(request: FastifyRequest, publicUrl: string | undefined): Failure | undefined {
  const { headers, method, protocol, host } = request;
  if (safeMethods.has(method) && headers.upgrade === undefined) return undefined;
  const { origin } = headers;
  const own = [`${protocol}://${host}`, ...(publicUrl === undefined ? [] : [new URL(publicUrl).origin])];
  const isForeign = origin === undefined ? headers['sec-fetch-site'] === 'cross-site' : !own.includes(origin);
  if (!isForeign) return undefined;
  return failure(
    403,
    'forbidden',
    'FORBIDDEN',
    'this request comes from a page of another origin',
    'behind a reverse proxy, set http.public_url to the address that browsers have',
  );
}

/** Whether a request could change something. */
export function isUnsafe(method: string): boolean {
  return !safeMethods.has(method);
}
