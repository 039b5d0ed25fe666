import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { httpCodes } from './failure.ts';

test('docs/errors.md names exactly the codes that HTTP has besides the others', () => {
  const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const named = [...text.matchAll(/^\| [\d, ]+ \| `([A-Z_]+)` \|/gm)].map((match) => match[1]);
  assert.deepEqual(named.sort(), [...httpCodes].sort());
});
