import { Aws } from 'aws-cdk-lib';
import type { Settings } from '../settings/schema.ts';
import { folders } from './image-layout.ts';
import type { SecretText } from './task.ts';

export const searchPort = 6700;

/**
 * Idle connections of the load balancer are closed after this, in front and behind. The live tail says something every
 * ten seconds; answers from the archive may take longer to begin.
 */
export const searchIdleSeconds = 300;

const oidcSecret = 'oidc-secret';
const sessionKey = 'session-key';

/** search-api.json, and the files of secrets that it names; `proxies`: the networks that its load balancer stands in. */
export function searchFiles(
  settings: Settings,
  bucket: string,
  store: Record<string, unknown>,
  proxies: string[],
): { files: Record<string, unknown>; secrets: Record<string, SecretText> } {
  const { search_api: search } = settings;
  const secretFiles = [
    { name: oidcSecret, variable: 'OIDC_SECRET', arn: search.oidc_secret_arn },
    { name: sessionKey, variable: 'SESSION_KEY', arn: search.session_key_arn },
  ].flatMap(({ name, variable, arn }) => (arn === undefined ? [] : [{ name, variable, arn }]));
  return {
    files: {
      'search-api.json': {
        http: {
          host: '0.0.0.0',
          port: searchPort,
          ...(search.public_url === undefined ? {} : { public_url: search.public_url }),
          // The load balancer, which alone reaches the tasks. Others stand in its subnets too, and are not believed.
          trusted_proxies: proxies,
          trusted_hops: 1,
          // Longer than the load balancer, which would send requests into connections that end.
          keep_alive_ms: (searchIdleSeconds + 10) * 1_000,
        },
        access: accessOf(search),
        store,
        archive: { bucket, region: Aws.REGION },
        alerts: { allowed_topics: search.alert_topics },
      },
      ...Object.fromEntries(secretFiles.map(({ name, variable }) => [name, { $env: variable }])),
    },
    secrets: Object.fromEntries(
      secretFiles.map(({ variable, arn }) => [variable, { arn, keyArns: search.secret_key_arns }]),
    ),
  };
}

/** As it was given, with the files that are written here. */
function accessOf({ access, oidc_secret_arn, session_key_arn }: Settings['search_api']) {
  const { oidc, session } = access as { oidc?: object; session?: object };
  return {
    ...access,
    ...(oidc && oidc_secret_arn
      ? { oidc: { ...oidc, client_secret_file: `${folders.files}/${oidcSecret}` } }
      : {}),
    ...(session_key_arn ? { session: { ...session, key_files: [`${folders.files}/${sessionKey}`] } } : {}),
  };
}
