import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { agentDocs, docsPath } from './docs.ts';

test('docs/config/agent.md is what the tables of the plugins say', () => {
  assert.equal(
    readFileSync(docsPath, 'utf8'),
    agentDocs(),
    'stale: run node agent/src/config/docs.ts --write',
  );
});
