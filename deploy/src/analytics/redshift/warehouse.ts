import {
  BatchExecuteStatementCommand,
  DescribeStatementCommand,
  RedshiftDataClient,
} from '@aws-sdk/client-redshift-data';
import type { LoaderConfig } from './config.ts';
import type { Warehouse } from './loader.ts';

/** Redshift by its Data API: no connection is kept, nothing has to stand in the warehouse's network. */
export function redshift(
  config: LoaderConfig,
  client: RedshiftDataClient = new RedshiftDataClient(),
): Warehouse {
  const { MILLRACE_WORKGROUP, MILLRACE_CLUSTER, MILLRACE_SECRET_ARN } = config;
  return {
    async begin(statements, token) {
      const { Id } = await client.send(
        new BatchExecuteStatementCommand({
          Database: config.MILLRACE_DATABASE,
          Sqls: [...statements],
          ClientToken: token,
          StatementName: 'millrace-load',
          ...(MILLRACE_WORKGROUP === undefined ? {} : { WorkgroupName: MILLRACE_WORKGROUP }),
          ...(MILLRACE_CLUSTER === undefined ? {} : { ClusterIdentifier: MILLRACE_CLUSTER }),
          ...(MILLRACE_SECRET_ARN === undefined ? {} : { SecretArn: MILLRACE_SECRET_ARN }),
        }),
      );
      if (Id === undefined) throw new Error('Redshift gave the load no id');
      return Id;
    },
    async state(id) {
      const { Status, Error: error } = await client.send(new DescribeStatementCommand({ Id: id }));
      if (Status === 'FINISHED') return { ended: true };
      if (Status === 'FAILED' || Status === 'ABORTED')
        return { ended: true, error: `${Status}: ${error ?? 'no reason given'}` };
      return { ended: false };
    },
  };
}
