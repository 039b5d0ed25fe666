import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { type CliContext, parseCommand } from '../command.ts';
import { planCommand } from './plan.ts';

const file = new URL('../../../../docs/capacity.md', import.meta.url);

test('docs/capacity.md shows what plan says of 200 GB a day (MILLRACE_WRITE_DOCS=1 rewrites it)', async () => {
  let out = '';
  const context = { stdout: (text: string) => (out += text) } as unknown as CliContext;
  assert.equal(await planCommand.run(context, parseCommand(planCommand, ['--gb-per-day', '200'])), 0);
  const text = readFileSync(file, 'utf8');
  const [before = '', , after = ''] = text.split(/(?<=<!-- plan -->\n)|(?=<!-- end of plan -->)/);
  const shown = `${before}\n${out.replace(/^(?=.)/gm, '    ')}\n${after}`;
  if (process.env.MILLRACE_WRITE_DOCS) writeFileSync(file, shown);
  else assert.equal(text, shown);
  assert.match(shown, /^ {4}together/m);
});

test('parts of the stacks are asked for with --aws, and refused without', async () => {
  let out = '';
  const context = { stdout: (text: string) => (out += text) } as unknown as CliContext;
  const run = (...args: string[]) =>
    planCommand.run(context, parseCommand(planCommand, ['--gb-per-day', '200', ...args]));
  await run('--aws', '--counters', '100', '--athena-tb', '2', '--redshift', '--autoscale');
  for (const part of ['counters', 'NDJSON', 'Athena', 'loader', 'shards auto'])
    assert.match(out, new RegExp(`^${part} +\\$\\d+ a month`, 'm'));
  await assert.rejects(run('--redshift'), { code: 'USAGE', message: /--redshift is a part of the stacks/ });
  await assert.rejects(run('--aws', '--counters', 'many'), { code: 'USAGE', message: /"many" is no number/ });
});
