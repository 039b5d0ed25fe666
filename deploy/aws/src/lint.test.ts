import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { installed } from './testing/pypi.ts';
import { appOf, type Variant, variants } from './testing/synth.ts';

/** W3005: the CDK names dependencies that CloudFormation would see by itself. */
const ignored = ['W3005'];

test('cfn-lint finds nothing in the templates of any stage', (t) => {
  const files = (Object.keys(variants) as Variant[]).flatMap((variant) =>
    globSync(`${appOf(t, variant).synth().directory}/*.template.json`),
  );
  assert.ok(files.length >= 44);
  const { status, stdout, stderr } = spawnSync(
    installed('cfn-lint'),
    ['--ignore-checks', ...ignored, '--regions', 'eu-west-1', 'us-east-1', '--', ...files],
    { encoding: 'utf8', cwd: fileURLToPath(new URL('.', import.meta.url)) },
  );
  assert.equal(status, 0, stdout + stderr);
});
