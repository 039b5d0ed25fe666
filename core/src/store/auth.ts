import { MillraceError } from '../errors.ts';
import type { StoreConfig } from './config.ts';

/** Who we are to the store. */
export type StoreAuth =
  | { kind: 'none' }
  | { kind: 'basic'; basic: { username: string; password: string } }
  | { kind: 'api_key'; apiKey: string }
  | { kind: 'aws'; region: string; service: 'es' | 'aoss' };

/**
 * What `store.auth` says, when the engine has it.
 * @throws MillraceError CONFIG_INVALID for a mixture, a half, or what the engine does not have
 */
export function storeAuth(config: Pick<StoreConfig, 'type' | 'auth'>): StoreAuth {
  const { type, auth = {} } = config;
  const { username, password, api_key, region, service } = auth;
  const given = Object.keys(auth).sort().join(', ');
  if (given === '') return { kind: 'none' };
  if (auth.type === 'aws') {
    if (type !== 'opensearch') refuse('store.auth: Elasticsearch has no AWS signatures', 'use api_key');
    if (region === undefined || username !== undefined || password !== undefined || api_key !== undefined) {
      refuse(`store.auth: type aws with ${given}`, 'give type and region, and service where it is aoss');
    }
    return { kind: 'aws', region, service: service ?? 'es' };
  }
  if (given === 'password, username' && username !== undefined && password !== undefined) {
    return { kind: 'basic', basic: { username, password } };
  }
  if (given !== 'api_key' || api_key === undefined) {
    refuse(`store.auth: ${given} do not go together`, 'give username and password, api_key, or type aws');
  }
  if (type !== 'elasticsearch')
    refuse('store.auth.api_key: OpenSearch has none', 'use username and password');
  return { kind: 'api_key', apiKey: api_key };
}

function refuse(message: string, hint: string): never {
  throw new MillraceError('CONFIG_INVALID', message, { hint });
}
