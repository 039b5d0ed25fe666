import { compile } from '@fastify/proxy-addr';
import type { SearchApiConfig } from './config.ts';

/**
 * Whether an address is a proxy whose x-forwarded headers are believed; `hop` 0 is who the connection is from, 1 who that
 * one names. False: nobody is.
 */
export function believed({
  trusted_proxies: proxies,
  trusted_hops: hops = Number.POSITIVE_INFINITY,
}: Pick<SearchApiConfig['http'], 'trusted_proxies' | 'trusted_hops'>):
  | false
  | ((address: string, hop: number) => boolean) {
  if (proxies.length === 0) return false;
  const named = compile(proxies);
  return (address, hop) => hop < hops && named(address, hop);
}
