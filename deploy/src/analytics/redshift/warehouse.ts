import {
  BatchExecuteStatementCommand,
  DescribeStatementCommand,
  GetStatementResultCommand,
  ListStatementsCommand,
  RedshiftDataClient,
} from '@aws-sdk/client-redshift-data';
import type { LoaderConfig } from './config.ts';
import type { Warehouse } from './loader.ts';

/** In the order in which a statement has them: one that goes on between two requests is met by the second. */
const unended = ['SUBMITTED', 'PICKED', 'STARTED'] as const;
const pageMax = 100;

/** Redshift by its Data API: no connection is kept, nothing has to stand in the warehouse's network. */
export function redshift(
  config: LoaderConfig,
  client: Pick<RedshiftDataClient, 'send'> = new RedshiftDataClient(),
): Warehouse {
  const { MILLRACE_WORKGROUP, MILLRACE_CLUSTER, MILLRACE_SECRET_ARN } = config;
  const where = {
    Database: config.MILLRACE_DATABASE,
    ...(MILLRACE_WORKGROUP === undefined ? {} : { WorkgroupName: MILLRACE_WORKGROUP }),
    ...(MILLRACE_CLUSTER === undefined ? {} : { ClusterIdentifier: MILLRACE_CLUSTER }),
  };
  return {
    async begin(kind, statements, token) {
      const { Id } = await client.send(
        new BatchExecuteStatementCommand({
          ...where,
          Sqls: [...statements],
          ClientToken: token,
          StatementName: nameOf(kind),
          ...(MILLRACE_SECRET_ARN === undefined ? {} : { SecretArn: MILLRACE_SECRET_ARN }),
        }),
      );
      if (Id === undefined) throw new Error('Redshift gave the statement no id');
      return Id;
    },
    async state(id) {
      const { Status, Error: error } = await client.send(new DescribeStatementCommand({ Id: id }));
      if (Status === 'FINISHED') return { ended: true };
      if (Status === 'FAILED' || Status === 'ABORTED')
        return {
          ended: true,
          error: `${Status}: ${error ?? 'no reason given'}`,
          stopped: Status === 'ABORTED',
        };
      return { ended: false };
    },
    async rows(id) {
      // Statements of a batch are numbered. An answer here has a hundred keys or a thousand lines: one page.
      const { Records = [] } = await client.send(new GetStatementResultCommand({ Id: `${id}:1` }));
      return Records.map((row) => row.map((field) => String(field.stringValue ?? field.longValue ?? '')));
    },
    async running() {
      const found = new Set<string>();
      for (const Status of unended) {
        const query = { ...where, StatementName: nameOf('load'), Status, MaxResults: pageMax };
        const { Statements = [] } = await client.send(new ListStatementsCommand(query));
        for (const { Id } of Statements) if (Id !== undefined) found.add(Id);
      }
      return [...found];
    },
  };
}

function nameOf(kind: 'load' | 'question'): string {
  return `millrace-${kind}`;
}
