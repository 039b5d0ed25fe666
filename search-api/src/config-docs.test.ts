import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { schemaTable } from '@millrace/core/config/schema-table.ts';
import { SearchApiConfigSchema } from './config.ts';

const file = new URL('../../docs/config/search-api.md', import.meta.url);

test('docs/config/search-api.md is what the schema says (MILLRACE_WRITE_DOCS=1 rewrites it)', () => {
  const text = `# search-api.json

Made from the schema in \`search-api/src/config.ts\`, which has the reasons. Unknown keys are refused.

${schemaTable(SearchApiConfigSchema)}`;
  if (process.env.MILLRACE_WRITE_DOCS) writeFileSync(file, text);
  assert.equal(readFileSync(file, 'utf8'), text);
});
