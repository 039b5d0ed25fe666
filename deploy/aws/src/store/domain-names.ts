import { Aws } from 'aws-cdk-lib';

/** By name: policies have to name the domain before it is there. */
export function domainArn(name: string): string {
  return `arn:${Aws.PARTITION}:es:${Aws.REGION}:${Aws.ACCOUNT_ID}:domain/${name}`;
}

/** Log groups of a stage's domain, by the kinds of log that it knows. */
export function domainLogs(stage: string): Record<string, string> {
  const kinds = ['ES_APPLICATION_LOGS', 'SEARCH_SLOW_LOGS', 'INDEX_SLOW_LOGS'];
  return Object.fromEntries(kinds.map((kind) => [kind, `/millrace/${stage}/store/${kind.toLowerCase()}`]));
}
