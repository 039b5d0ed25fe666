// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of table.sql
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { resolved } from '../testing/resolve.ts';
import { templatesOf } from '../testing/synth.ts';

const sql = readFileSync(new URL('../../../analytics/athena/table.sql', import.meta.url), 'utf8');

interface TableInput {
  Name: string;
  Parameters: Record<string, string>;
  PartitionKeys: { Name: string; Type: string }[];
  StorageDescriptor: {
    Columns: { Name: string; Type: string }[];
    Location: string;
    SerdeInfo: { SerializationLibrary: string; Parameters: Record<string, string> };
  };
}

function tableOf(t: TestContext): TableInput {
  const { Resources } = templatesOf(t, 'public').Analytics ?? { Resources: {} };
  const table = Object.values(Resources).find(({ Type }) => Type === 'AWS::Glue::Table');
  return resolved(table?.Properties.TableInput) as TableInput;
}

test('the table that the stack makes is that of table.sql, written by it word for word', (t) => {
  const { Name, Parameters, PartitionKeys, StorageDescriptor } = tableOf(t);
  const { Columns, Location, SerdeInfo } = StorageDescriptor;
  const columns = (list: TableInput['PartitionKeys'], between: string) =>
    list.map(({ Name: name, Type }) => `${name} ${Type}`).join(between);
  const pairs = (values: Record<string, string>, between: string) =>
    Object.entries(values)
      .map(([name, value]) => `'${name}' = '${value}'`)
      .join(between);
  const { EXTERNAL, ...properties } = Parameters;
  const [, bucket = ''] = /^s3:\/\/([^/]+)\/ndjson\/$/.exec(Location) ?? [];
  const written = `CREATE EXTERNAL TABLE ${Name} (
  ${columns(Columns, ',\n  ')}
)
PARTITIONED BY (${columns(PartitionKeys, ', ')})
ROW FORMAT SERDE '${SerdeInfo.SerializationLibrary}'
WITH SERDEPROPERTIES (${pairs(SerdeInfo.Parameters, ', ')})
LOCATION '${Location}'
TBLPROPERTIES (
  ${pairs(properties, ',\n  ')}
);
`;
  const asked = sql
    .replaceAll(/^--.*\n/gm, '')
    .replaceAll('${bucket}', bucket)
    .replaceAll('${prefix}', '')
    .replaceAll('${streams}', 'logs,audit');
  assert.equal(written, asked);
  assert.equal(EXTERNAL, 'TRUE');
});
