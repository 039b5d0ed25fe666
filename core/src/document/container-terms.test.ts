import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Fields } from '../parse/parsed.ts';
import { containerTerms } from './container-terms.ts';
import { emptyLeaves, leavesMax, writeLeaves } from './containers.ts';

/** What the renderer writes, as a store and an archive reader see it. */
function rendered(fields: Fields): { fields: unknown; kv: string[] } {
  const leaves = emptyLeaves();
  writeLeaves(fields, leaves, { see: () => undefined });
  return JSON.parse(`{"fields":{${leaves.json}},"kv":[${leaves.kv}]}`) as { fields: unknown; kv: string[] };
}

test('the terms of a document are those that its renderer wrote', () => {
  const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 4 }));
  fc.assert(
    fc.property(object, (fields) => {
      const document = rendered(fields as Fields);
      assert.deepEqual(containerTerms(document.fields), document.kv);
    }),
  );
});

test('limits of number and of names are the renderer’s', () => {
  const many = Object.fromEntries(Array.from({ length: leavesMax + 9 }, (_, i) => [`f${i}`, [i, null]]));
  const long = { ['k'.repeat(257)]: 1, k: { ['l'.repeat(255)]: 2 }, 'a=b': { '%': 'x'.repeat(300) } };
  for (const fields of [many, long, JSON.parse('{"__proto__":{"a":1},"a.b":2,"a":{"b":-0}}') as Fields]) {
    const document = rendered(fields);
    assert.deepEqual(containerTerms(document.fields), document.kv);
  }
  assert.deepEqual(containerTerms(undefined), []);
});
