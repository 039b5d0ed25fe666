import { MillraceError, messageOf } from '@millrace/core/errors.ts';

/** Name of the exception, as AWS and the stand-ins have it. */
export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

/** What an AWS client threw, as an error of ours: `what` names call and thing. */
export function unavailable(what: string, cause: unknown): MillraceError {
  const name = errorName(cause);
  const hint =
    name === 'ResourceNotFoundException'
      ? 'there is none of that name in this region: check --stream, --region and --config'
      : name.startsWith('AccessDenied') || name.startsWith('Credentials')
        ? 'docs/shards.md lists the actions that a role needs'
        : 'check endpoint, region and credentials';
  return new MillraceError('STREAM_UNAVAILABLE', `${what}: ${name}: ${messageOf(cause)}`, { hint, cause });
}

/** How an AWS client is reached. */
export interface AwsAddress {
  region: string;
  endpoint?: string;
  /** Of the stand-ins; else the caller's own are found as AWS's tools find them. */
  credentials?: { accessKeyId: string; secretAccessKey: string };
}

/** A request timeout only warns unless it is told to throw, and a body that stalls is the socket's. Milliseconds. */
export const awsTimeouts = {
  connectionTimeout: 5_000,
  requestTimeout: 15_000,
  throwOnRequestTimeout: true,
  socketTimeout: 15_000,
};
