import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { resolved } from '../testing/resolve.ts';
import { appOf, type Template } from '../testing/synth.ts';

test('the function runs as it is put together, and takes the environment that the stack gives it', (t) => {
  const { directory, stacks } = appOf(t, 'public').synth();
  const { template } = stacks.find(({ stackName }) => stackName.endsWith('-Analytics')) ?? {};
  const { Resources } = template as Template;
  const { Properties } = Object.values(Resources).find(({ Type }) => Type === 'AWS::Lambda::Function') ?? {};
  const { Variables } = resolved(Properties?.Environment) as { Variables: Record<string, string> };
  const [code = ''] = globSync(join(directory, 'asset.*/index.mjs'));
  assert.doesNotMatch(readFileSync(code, 'utf8'), /RedshiftDataClient extends/, 'the SDK is the runtime’s');
  // As the runtime has it beside the function.
  symlinkSync(
    fileURLToPath(new URL('../../../../node_modules', import.meta.url)),
    join(directory, 'node_modules'),
  );
  const asked = `
    const { handler } = await import(${JSON.stringify(code)});
    const Records = [{ messageId: 'm', body: 'not JSON', attributes: { ApproximateReceiveCount: '1' } }];
    console.log(JSON.stringify(await handler({ Records }, { getRemainingTimeInMillis: () => 60_000 })));`;
  const env = { PATH: process.env.PATH, AWS_REGION: 'eu-west-1', ...Variables };
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', asked], {
    env,
    encoding: 'utf8',
  });
  assert.deepEqual(JSON.parse(said.trim().split('\n').at(-1) ?? ''), {
    batchItemFailures: [{ itemIdentifier: 'm' }],
  });
});
