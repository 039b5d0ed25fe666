import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { templatesOf } from './testing/synth.ts';

// After a change that is meant: node --test --test-update-snapshots src/snapshot.test.ts
for (const variant of ['prod', 'public'] as const)
  test(`templates of ${variant} are those that were reviewed`, (t) => {
    for (const [part, template] of Object.entries(templatesOf(t, variant)))
      t.assert.fileSnapshot(
        template,
        fileURLToPath(new URL(`../golden/${variant}/${part}.json`, import.meta.url)),
      );
  });
