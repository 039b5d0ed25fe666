import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { resolved } from './testing/resolve.ts';
import { templatesOf } from './testing/synth.ts';

interface Container {
  Name: string;
  Command: string[];
  EntryPoint?: string[];
  LogConfiguration: { Options: Record<string, string> };
}

interface TaskProperties {
  Family: string;
  ContainerDefinitions: Container[];
}

/**
 * What the script asks of AWS, each call as its words: `aws` answers as for a task of this state, which ended with 7;
 * of none, it fails when it is asked.
 */
function calls(
  t: TestContext,
  state: string,
  ...args: string[]
): { status: number | null; asked: string[][] } {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-run-task-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const log = join(folder, 'calls');
  const answers = {
    'describe-services':
      '{"taskDefinition":"definition:7","networkConfiguration":{"awsvpcConfiguration":{}}}',
    'run-task': 'arn:aws:ecs:eu-west-1:111122223333:task/millrace-dev/abc',
  };
  writeFileSync(
    join(folder, 'aws'),
    `#!${process.execPath}
const words = process.argv.slice(2);
require('fs').appendFileSync(${JSON.stringify(log)}, JSON.stringify(words) + '\\n');
const asked = words.at(words.indexOf('--query') + 1);
if (words[1] === 'describe-tasks' && ${JSON.stringify(state)} === '') process.exit(255);
const task = asked.includes('exitCode') ? '7' : ${JSON.stringify(state)};
console.log(${JSON.stringify(answers)}[words[1]] ?? (words[1] === 'describe-tasks' ? task : ''));
`,
  );
  chmodSync(join(folder, 'aws'), 0o755);
  const path = [folder, dirname(process.execPath), process.env.PATH].join(delimiter);
  const script = fileURLToPath(new URL('../run-task.sh', import.meta.url));
  const { status } = spawnSync(script, args, { env: { PATH: path, POLL_SECONDS: '0', ASK_TIMES: '3' } });
  const lines = readFileSync(log, 'utf8').trim().split('\n');
  return { status, asked: lines.map((line) => JSON.parse(line)) };
}

test('a command runs as the consumers do: names, configuration and log are those of the stacks', (t) => {
  const { Consumer, Network } = templatesOf(t, 'dev');
  const of = (template: typeof Consumer, type: string) =>
    Object.values(template?.Resources ?? {}).find(({ Type }) => Type === type)?.Properties ?? {};
  const task = of(Consumer, 'AWS::ECS::TaskDefinition') as unknown as TaskProperties;
  const program = task.ContainerDefinitions.find(({ Name }) => Name === 'consumer');
  assert.ok(program);
  assert.equal(program.EntryPoint, undefined, 'the image’s');
  assert.equal(task.Family, 'millrace-dev-consumer');
  const correction = `{"reason":"it's \\"so\\"","drop":true}`;
  const { status, asked } = calls(t, 'STOPPED', 'dev', 'replay', '--correct', correction, '--json');
  assert.equal(status, 7);

  const value = (call: string[] | undefined, name: string) => call?.at(call.indexOf(name) + 1);
  const [services, run] = asked;
  assert.equal(value(services, '--cluster'), of(Network, 'AWS::ECS::Cluster').ClusterName);
  assert.equal(value(services, '--services'), of(Consumer, 'AWS::ECS::Service').ServiceName);
  assert.equal(value(run, '--task-definition'), 'definition:7');
  const [, ...config] = program.Command;
  assert.deepEqual(JSON.parse(value(run, '--overrides') ?? ''), {
    containerOverrides: [
      { name: program.Name, command: ['replay', ...config, '--correct', correction, '--json'] },
    ],
  });
  const tail = asked.find(([service]) => service === 'logs');
  assert.equal(tail?.[2], of(Consumer, 'AWS::Logs::LogGroup').LogGroupName);
  const prefix = resolved(program.LogConfiguration.Options['awslogs-stream-prefix']);
  assert.equal(value(tail, '--log-stream-names'), `${prefix}/${program.Name}/abc`);
});

test('a task that ECS tells nothing of is not waited for for ever', (t) => {
  for (const state of ['', 'None']) {
    const { status, asked } = calls(t, state, 'dev', 'replay');
    assert.equal(status, 1);
    assert.equal(asked.filter(([, what]) => what === 'describe-tasks').length, 3);
    assert.ok(!asked.some(([service]) => service === 'logs'), 'it may go on');
  }
});
