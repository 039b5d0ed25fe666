import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

test('the function is one file beside what the runtime brings', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-loader-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'index.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('main.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    logLevel: 'silent',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  const asked = `
    const { handler } = await import(${JSON.stringify(outfile)});
    const Records = [{ messageId: 'm', body: 'not JSON', attributes: { ApproximateReceiveCount: '1' } }];
    console.log(JSON.stringify(await handler({ Records }, { getRemainingTimeInMillis: () => 60_000 })));`;
  const env = {
    PATH: process.env.PATH,
    AWS_REGION: 'eu-west-1',
    MILLRACE_BUCKET: 'example-logs',
    MILLRACE_COPY_ROLE_ARN: 'arn:aws:iam::123456789012:role/copy',
    MILLRACE_DATABASE: 'logs',
    MILLRACE_WORKGROUP: 'logs',
  };
  const run = ['--input-type=module', '-e', asked];
  const [said = '', answer = ''] = execFileSync(process.execPath, run, { env, encoding: 'utf8' })
    .trim()
    .split('\n');
  assert.equal(JSON.parse(said).event, 'message_unread');
  assert.deepEqual(JSON.parse(answer), { batchItemFailures: [{ itemIdentifier: 'm' }] });
});
