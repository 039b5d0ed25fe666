import { localNames } from './config-files.ts';
import { stackVariable } from './identity.ts';

/**
 * The environment of a stack's parts: the caller's without what would lead them elsewhere, with credentials that
 * the stand-ins take, and with the mark by which a later start recognises what is left over.
 */
export function partEnv(env: NodeJS.ProcessEnv, dataDir: string): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !/^AWS_|^OPENSEARCH_|^NODE_OPTIONS$/.test(name));
  const noProxy = [env.NO_PROXY ?? env.no_proxy, '127.0.0.1', 'localhost'].filter(Boolean).join(',');
  return {
    ...Object.fromEntries(kept),
    NO_PROXY: noProxy,
    no_proxy: noProxy,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_REGION: localNames.region,
    [stackVariable]: dataDir,
  };
}
