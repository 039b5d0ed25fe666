import { execFile } from 'node:child_process';
import type { AgentOptions } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { promisify } from 'node:util';
import { Agent as HttpAgent } from '@millrace/core/runtime/node-http.ts';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** How a service of AWS is reached, and who asks. */
export interface ConnectionSettings {
  region: string;
  endpoint: string | undefined;
  credentials: CredentialSource | undefined;
  /** URL of an HTTP proxy. */
  proxy: string | undefined;
  /** False: any certificate will do. */
  verifyPeer: boolean;
  fips: boolean;
  dualStack: boolean;
  requestsInFlightMax: number;
}

/** Where keys come from; undefined in the settings: the SDK's default chain. */
export type CredentialSource =
  | { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  | {
      from: 'assume_role';
      roleArn: string;
      sessionName: string;
      externalId: string | undefined;
      policy: string | undefined;
      durationS: number | undefined;
      stsRegion: string | undefined;
      stsEndpoint: string | undefined;
      proxy: string | undefined;
    }
  | {
      from: 'web_identity';
      roleArn: string;
      sessionName: string;
      tokenFile: string;
      policy: string | undefined;
      durationS: number | undefined;
    }
  | { from: 'instance_profile'; retries: number; timeoutMs: number }
  | { from: 'shared'; path: string | undefined; profile: string | undefined }
  | { from: 'process'; command: string };

/** Settings of an SDK client; it retries nothing itself: each record is retried on its own. */
export function clientSettings(connection: ConnectionSettings) {
  const { region, endpoint, credentials, fips, dualStack } = connection;
  return {
    region,
    ...(endpoint ? { endpoint } : {}),
    ...(credentials
      ? { credentials: 'from' in credentials ? providerOf(credentials, region) : credentials }
      : {}),
    useFipsEndpoint: fips,
    useDualstackEndpoint: dualStack,
    maxAttempts: 1,
    // What a call goes through is put together once: each of them costs as much as a hundred lines.
    cacheMiddleware: true,
    // HTTP/1.1: the clients' default, HTTP/2, gains nothing for a few large requests.
    requestHandler: requestHandler(connection),
  };
}

function requestHandler({ proxy, verifyPeer, requestsInFlightMax }: ConnectionSettings): NodeHttpHandler {
  const sockets = { keepAlive: true, maxSockets: requestsInFlightMax };
  const tls = verifyPeer ? {} : { rejectUnauthorized: false };
  return new NodeHttpHandler(async () => ({
    connectionTimeout: 5_000,
    requestTimeout: 30_000,
    throwOnRequestTimeout: true,
    ...(proxy
      ? await proxyAgents(proxy, sockets, tls)
      : { httpAgent: new HttpAgent(sockets), httpsAgent: new HttpsAgent({ ...sockets, ...tls }) }),
  }));
}

/** Loaded when there is a proxy: most agents have none. */
async function proxyAgents(proxy: string, sockets: AgentOptions, tls: { rejectUnauthorized?: boolean }) {
  const [{ HttpProxyAgent }, { HttpsProxyAgent }] = await Promise.all([
    import('http-proxy-agent'),
    import('https-proxy-agent'),
  ]);
  const httpsAgent = new HttpsProxyAgent(proxy, sockets);
  // What it is made with holds for the way to the proxy; this is for the service at the end of the tunnel.
  Object.assign(httpsAgent.options, tls);
  return { httpAgent: new HttpProxyAgent(proxy, sockets), httpsAgent };
}

interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
}

/** The providers are loaded when keys are first asked for: most agents need none of them. */
function providerOf(
  source: Extract<CredentialSource, { from: string }>,
  region: string,
): () => Promise<Keys> {
  let provider: (() => Promise<Keys>) | undefined;
  return async () => {
    provider ??= await loadProvider(source, region);
    return provider();
  };
}

async function loadProvider(
  source: Extract<CredentialSource, { from: string }>,
  region: string,
): Promise<() => Promise<Keys>> {
  if (source.from === 'process') return () => processKeys(source.command);
  const providers = await import('@aws-sdk/credential-providers');
  switch (source.from) {
    case 'assume_role':
      return providers.fromTemporaryCredentials({
        params: {
          RoleArn: source.roleArn,
          RoleSessionName: source.sessionName,
          ...(source.externalId ? { ExternalId: source.externalId } : {}),
          ...(source.policy ? { Policy: source.policy } : {}),
          ...(source.durationS ? { DurationSeconds: source.durationS } : {}),
        },
        clientConfig: {
          region: source.stsRegion ?? region,
          ...(source.stsEndpoint ? { endpoint: source.stsEndpoint } : {}),
          ...(source.proxy ? { requestHandler: proxied(source.proxy) } : {}),
        },
      });
    case 'web_identity':
      return providers.fromTokenFile({
        roleArn: source.roleArn,
        roleSessionName: source.sessionName,
        webIdentityTokenFile: source.tokenFile,
        ...(source.policy ? { policy: source.policy } : {}),
        ...(source.durationS ? { durationSeconds: source.durationS } : {}),
        clientConfig: { region },
      });
    case 'instance_profile':
      return providers.fromInstanceMetadata({ maxRetries: source.retries, timeout: source.timeoutMs });
    case 'shared':
      return providers.fromIni({
        ...(source.path ? { filepath: source.path } : {}),
        ...(source.profile ? { profile: source.profile } : {}),
        clientConfig: { region },
      });
  }
}

function proxied(proxy: string): NodeHttpHandler {
  return new NodeHttpHandler(() => proxyAgents(proxy, {}, {}));
}

/** As the CLI's credential_process: a command that prints keys as JSON. @throws when it does not */
async function processKeys(command: string): Promise<Keys> {
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command], { timeout: 30_000 });
  const keys = JSON.parse(stdout) as Record<string, string | undefined>;
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken, Expiration } = keys;
  if (!accessKeyId || !secretAccessKey) throw new Error(`process_credentials: the command printed no keys`);
  return {
    accessKeyId,
    secretAccessKey,
    ...(SessionToken ? { sessionToken: SessionToken } : {}),
    ...(Expiration ? { expiration: new Date(Expiration) } : {}),
  };
}
