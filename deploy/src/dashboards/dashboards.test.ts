import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { compileQueryText } from '@millrace/core/query/compile.ts';
import { resolveField } from '@millrace/core/query/fields.ts';
import { Value } from 'typebox/value';
import { savedObjectsFile } from './file.ts';
import { products, type SavedObject } from './saved-object.ts';
import { publishedSchema } from './testing/published-schemas.ts';

const folder = new URL('../../dashboards/', import.meta.url);

for (const product of products) {
  const text = savedObjectsFile(product);
  const objects = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as SavedObject);

  test(`the file for ${product} is what its source makes`, () => {
    const file = new URL(`${product}.ndjson`, folder);
    if (process.env.MILLRACE_WRITE_DOCS === '1') writeFileSync(file, text);
    assert.equal(readFileSync(file, 'utf8'), text);
  });

  test(`${product} accepts every attribute, as its published schemas have them`, () => {
    for (const { type, id, attributes } of objects) {
      const problems = [...Value.Errors(publishedSchema(product, type), attributes)];
      assert.deepEqual(problems, [], id);
    }
  });

  test(`what objects of ${product} refer to stands before them in the file`, () => {
    const before = new Set<string>();
    for (const { type, id, references } of objects) {
      for (const reference of references) assert.ok(before.has(`${reference.type} ${reference.id}`), id);
      before.add(`${type} ${id}`);
    }
    assert.equal(before.size, objects.length);
  });

  test(`panels of ${product} are found by the names of their references`, () => {
    const dashboard = objects.find(({ type }) => type === 'dashboard');
    const panels = JSON.parse(String(dashboard?.attributes.panelsJSON)) as Record<string, string>[];
    const names = dashboard?.references.map(({ name }) => name);
    const wanted = panels.map(({ panelIndex, panelRefName }) =>
      product === 'kibana' ? `${panelIndex}:${panelRefName}` : panelRefName,
    );
    assert.deepEqual(wanted, names);
  });

  test(`fields and queries of ${product} are those of our index`, () => {
    const known = (name: string) => resolveField(name)[0]?.in === 'known';
    for (const { id, attributes } of objects) {
      for (const [, name] of JSON.stringify(attributes).matchAll(/\\*"field\\*":\s*\\*"([^"\\]+)\\*"/g)) {
        if (name !== 'lag' && name !== 'key') assert.ok(known(name ?? ''), `${id}: ${name}`);
      }
      for (const name of (attributes.columns ?? []) as string[]) assert.ok(known(name), `${id}: ${name}`);
      const meta = attributes.kibanaSavedObjectMeta as { searchSourceJSON: string } | undefined;
      const { query } = JSON.parse(meta?.searchSourceJSON ?? '{}') as { query?: { query: string } };
      compileQueryText(query?.query ?? '', { nowMs: 0 });
    }
  });
}

test('lines of one millisecond stand in the order of their file', () => {
  for (const product of products) assert.match(savedObjectsFile(product), /"log\.offset","desc"/);
});
