import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { ObjectCabinet } from '@millrace/core/store/objects.ts';
import type { SearchApiConfig } from '../config.ts';
import { cookieName } from './cookie.ts';
import { closedGate, type Gate, openGate } from './gate.ts';
import { KeyBook } from './key-book.ts';
import { Login } from './login.ts';
import { readSecret, readSessionKeys, Seals, Sessions } from './session.ts';

/**
 * The gate that a configuration asks for.
 * @throws MillraceError CONFIG_INVALID: a file with a secret cannot be read
 */
export function createGate(
  { http, access }: Pick<SearchApiConfig, 'http' | 'access'>,
  cabinet: ObjectCabinet,
  clock: Clock,
): Gate {
  if (access === undefined) return openGate('loopback');
  if (access.open) return openGate('open');
  const { keys, key_cache_ms: cacheMs, session, oidc } = access;
  const seals = new Seals(readSessionKeys(session.key_files), clock);
  const home = `${http.public_url ?? ''}${http.base_path}/`;
  const login =
    oidc &&
    new Login({
      oidc,
      clientSecret: oidc.client_secret_file === undefined ? undefined : readSecret(oidc.client_secret_file),
      callback: `${home}callback`,
      home,
      seals,
      clock,
    });
  return closedGate({
    keys: new KeyBook({ configured: keys, cabinet, clock, cacheMs }),
    sessions: new Sessions(seals, clock, { idleMs: session.idle_ms, absoluteMs: session.absolute_ms }),
    login,
    roles: oidc?.roles ?? [],
    cookie: cookieName(http, 'session'),
  });
}
