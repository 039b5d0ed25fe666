import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stack } from 'aws-cdk-lib';
import { resolved } from '../testing/resolve.ts';
import { reportRights } from './rights.ts';

const given = reportRights({
  bucket: 'arn:aws:s3:::archive',
  results: 'arn:aws:s3:::results',
  key: 'arn:aws:kms:eu-west-1:111122223333:key/k',
  workGroup: 'millrace-prod',
  database: 'millrace_prod',
  table: 'millrace_ndjson',
}).map((each) => {
  const { Action, Resource } = resolved(new Stack().resolve(each.toStatementJson())) as {
    Action: string | string[];
    Resource: string | string[];
  };
  return { actions: [Action].flat(), resources: [Resource].flat() };
});

const resourcesOf = (action: string) =>
  given.flatMap(({ actions, resources }) => (actions.includes(action) ? resources : []));

test("who asks Athena may look up what its console and drivers do, in Athena's catalog and in Glue", () => {
  const athena = 'arn:aws:athena:eu-west-1:111122223333:';
  for (const name of ['ListDataCatalogs', 'ListEngineVersions', 'ListWorkGroups'])
    assert.deepEqual(resourcesOf(`athena:${name}`), ['*'], name);
  for (const name of ['GetDataCatalog', 'GetTableMetadata', 'ListDatabases', 'ListTableMetadata'])
    assert.deepEqual(resourcesOf(`athena:${name}`), [`${athena}datacatalog/AwsDataCatalog`], name);
  for (const name of ['GetQueryResultsStream', 'ListQueryExecutions', 'StartQueryExecution'])
    assert.deepEqual(resourcesOf(`athena:${name}`), [`${athena}workgroup/millrace-prod`], name);
  const glue = 'arn:aws:glue:eu-west-1:111122223333:';
  const ours = ['catalog', 'database/millrace_prod', 'table/millrace_prod/millrace_ndjson'];
  const own = ours.map((name) => glue + name);
  assert.deepEqual(resourcesOf('glue:GetTables'), own);
  for (const name of ['GetDatabase', 'GetDatabases'])
    assert.deepEqual(resourcesOf(`glue:${name}`), [...own, `${glue}database/default`]);
});

test('who asks Athena writes answers, and changes nothing else', () => {
  const changing = given.flatMap(({ actions }) =>
    actions.filter((action) => !/:(Batch)?(Get|List)/.test(action)),
  );
  assert.deepEqual(changing.sort(), [
    ...['athena:StartQueryExecution', 'athena:StopQueryExecution', 'kms:Decrypt', 'kms:GenerateDataKey'],
    ...['s3:AbortMultipartUpload', 's3:PutObject'],
  ]);
  assert.deepEqual(resourcesOf('s3:PutObject'), ['arn:aws:s3:::results/*']);
});
