import type { CookieSerializeOptions } from '@fastify/cookie';
import type { SearchApiConfig } from '../config.ts';

type Http = SearchApiConfig['http'];

/** Cookies are for this server's paths alone, never for scripts, never sent along by other sites' requests. */
export function cookieOptions(http: Http, expires: Date): CookieSerializeOptions {
  return { path: cookiePath(http), httpOnly: true, sameSite: 'lax', secure: isSecure(http), expires };
}

/** Browsers take `__Secure-` cookies over https only, so that no unencrypted page can plant one. */
export function cookieName(http: Http, name: 'session' | 'login'): string {
  return `${isSecure(http) ? '__Secure-' : ''}millrace_${name}`;
}

function cookiePath({ base_path: base }: Http): string {
  return `${base}/`;
}

function isSecure({ public_url: url }: Http): boolean {
  return url?.startsWith('https:') === true;
}
