import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { templatesOf } from './testing/synth.ts';

/** Of a function's code: it changes with whatever is bundled into it, which tests of its own look at. */
const hashes = /"S3Key": ?"[\da-f]{64}\.zip"/g;

// After a change that is meant: node --test --test-update-snapshots src/snapshot.test.ts
for (const variant of ['prod', 'public'] as const)
  test(`templates of ${variant} are those that were reviewed`, (t) => {
    for (const [part, template] of Object.entries(templatesOf(t, variant)))
      t.assert.fileSnapshot(
        template,
        fileURLToPath(new URL(`../golden/${variant}/${part}.json`, import.meta.url)),
        { serializers: [(value) => JSON.stringify(value, null, 2).replace(hashes, '"S3Key": "code.zip"')] },
      );
  });
