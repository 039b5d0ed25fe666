import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal.ts';

/** Which pages of browsers may send; undefined origins: nobody is asked, and browsers let no page read answers. */
export interface CorsSettings {
  /** `*`, `https://app.example.com`, `https://*.example.com` */
  origins: string[] | undefined;
  credentials: boolean;
}

const preflightSeconds = 600;

/** Headers that the answer gets. @throws Refusal 403 for a page that may not send */
export function corsHeaders(
  { origins, credentials }: CorsSettings,
  request: IncomingMessage,
): Record<string, string> {
  const { origin } = request.headers;
  if (origin === undefined || origins === undefined) return {};
  if (!origins.some((allowed) => allows(allowed, origin)))
    throw new Refusal(403, `pages of ${origin.slice(0, 200)} may not send (cors_allow_origins)`);
  return {
    'access-control-allow-origin': origins.includes('*') && !credentials ? '*' : origin,
    ...(credentials ? { 'access-control-allow-credentials': 'true' } : {}),
    'access-control-expose-headers': 'retry-after',
    vary: 'origin',
  };
}

/** What a browser asks before it sends. @throws Refusal 403 where no page may send */
export function preflightHeaders(settings: CorsSettings, request: IncomingMessage): Record<string, string> {
  if (settings.origins === undefined || request.headers.origin === undefined)
    throw new Refusal(403, 'no pages may send (cors_allow_origins)');
  return {
    ...corsHeaders(settings, request),
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers':
      'authorization, content-encoding, content-type, idempotency-key, x-api-key',
    'access-control-max-age': String(preflightSeconds),
  };
}

function allows(allowed: string, origin: string): boolean {
  if (allowed === '*' || allowed === origin) return true;
  const star = allowed.indexOf('*');
  if (star < 0) return false;
  const [before, after] = [allowed.slice(0, star), allowed.slice(star + 1)];
  return origin.length > before.length + after.length && origin.startsWith(before) && origin.endsWith(after);
}
