import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { installed } from './testing/pypi.ts';
import { appOf, type Variant, variants } from './testing/synth.ts';

/** W3005: the CDK names dependencies that CloudFormation would see by itself. */
const ignored = ['W3005'];
const fleet = fileURLToPath(new URL('../../fleet', import.meta.url));

test('cfn-lint finds nothing in the templates of any stage', (t) => {
  const files = (Object.keys(variants) as Variant[]).flatMap((variant) =>
    globSync(`${appOf(t, variant).synth().directory}/*.template.json`),
  );
  assert.ok(files.length >= 44);
  const { status, said } = lint(
    ['--ignore-checks', ...ignored, '--regions', 'eu-west-1', 'us-east-1'],
    files,
  );
  assert.equal(status, 0, said);
});

test('nor in the templates for fleets, and the documents of Systems Manager in them', (t) => {
  const files = ['scale-in.yaml', 'install.yaml'].map((name) => join(fleet, name));
  assert.deepEqual(lint(['--regions', 'eu-west-1'], files), { status: 0, said: '' });
  const folder = mkdtempSync(join(tmpdir(), 'millrace-lint-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const wrong = join(folder, 'wrong.yaml');
  const text = readFileSync(join(fleet, 'scale-in.yaml'), 'utf8');
  writeFileSync(wrong, text.replace("schemaVersion: '0.3'", "schemaVersion: '0.9'"));
  assert.notEqual(lint(['--regions', 'eu-west-1'], [wrong]).status, 0, 'what is wrong is found');
});

function lint(options: string[], files: string[]) {
  const { status, stdout, stderr } = spawnSync(installed('cfn-lint'), [...options, '--', ...files], {
    encoding: 'utf8',
    cwd: fileURLToPath(new URL('.', import.meta.url)),
  });
  return { status, said: stdout + stderr };
}
