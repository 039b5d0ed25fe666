import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { schemaTable } from '@millrace/core/config/schema-table.ts';
import { ConsumerConfigSchema } from './config.ts';

const file = new URL('../../docs/config/consumer.md', import.meta.url);

test('docs/config/consumer.md is what the schema says (MILLRACE_WRITE_DOCS=1 rewrites it)', () => {
  const text = `# consumer.json

Made from the schema in \`consumer/src/config.ts\`, which has the reasons. Unknown keys are refused. AWS credentials come from
the usual places: environment variables, profile, instance role. Without \`counters\` nothing is counted.

${schemaTable(ConsumerConfigSchema)}`;
  if (process.env.MILLRACE_WRITE_DOCS) writeFileSync(file, text);
  assert.equal(readFileSync(file, 'utf8'), text);
});
