import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { AgentProcess } from '../harness/agent-process.ts';
import { FakeMachine } from '../harness/fake-machine.ts';
import { eventually, root } from '../harness/stack.ts';
import { documentOf, fleetTemplate, scriptOf } from '../harness/systems-manager.ts';

/** A command that ends with these exit codes, one after the other, and with the last of them from then on. */
const endsWith = (...codes: number[]) => `
  echo "$*" >>"$STATE/asked"
  tries=$(wc -l <"$STATE/asked")
  set -- ${codes.join(' ')}
  [ "$tries" -le $# ] || tries=$#
  eval "code=\\$$tries"
  echo "it ends with $code"
  exit "$code"`;

describe('the drain command of scale-in.yaml', () => {
  const content = documentOf(fleetTemplate('scale-in.yaml'), 'DrainCommand');
  const script = (limit: string) => scriptOf(content, 'drain', { Deadline: '2m', Limit: limit });
  const machine = (t: TestContext, agent: string) => {
    const it = new FakeMachine(t);
    it.command('millrace-agent', agent);
    it.command('sleep', 'exec /usr/bin/sleep 0.1');
    return it;
  };

  test('asks until nothing is left, whatever the tries before came to', async (t) => {
    const it = machine(t, endsWith(2, 1, 1, 0));
    const { code, output } = await it.run(script('60'));
    assert.equal(code, 0);
    assert.deepEqual(
      it.read('state/asked').trimEnd().split('\n'),
      Array.from({ length: 4 }, () => 'drain --config /etc/millrace/agent.conf --deadline 2m'),
    );
    assert.equal(output.match(/exit code 1/g)?.length, 1, 'what is said twice is told once');
  });

  test('fails when its time is over, and says who has the action then', async (t) => {
    const { code, output } = await machine(t, endsWith(1)).run(script('1'));
    assert.equal(code, 1);
    assert.match(output, /not drained within 1 s: .* the watch .* the timeout of the hook/);
  });

  test('a drain that hangs is not waited for any longer than that', async (t) => {
    const { code } = await machine(t, 'exec /usr/bin/sleep 50').run(script('1'));
    assert.equal(code, 1);
  });

  test('the configuration finds the settings that the agent’s unit has', async (t) => {
    const it = machine(t, '[ "$STREAM" = "logs of \\$HOME" ] && [ "$OPTIONS" = "--hook drain" ]');
    it.write(
      'etc/default/millrace-agent',
      '# Settings\nOPTIONS=--hook drain\nNO-NAME=1\n\nSTREAM="logs of $HOME"',
    );
    const { code, output } = await it.run(script('1'));
    assert.equal(code, 0, output);
  });
});

/** The agent's own line in its log when a reload was refused. */
async function refusal(t: TestContext): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-refusal-'));
  const agent = new AgentProcess(dir, 'http://127.0.0.1:9');
  t.after(async () => {
    await agent.kill();
    rmSync(dir, { recursive: true, force: true });
  });
  agent.start();
  const socketPath = join(agent.state, 'control.sock');
  await eventually('it runs', 30, async () => (existsSync(socketPath) ? true : undefined));
  writeFileSync(agent.config, 'no_such_thing');
  const asked = request({ socketPath, path: '/reload', method: 'POST', agent: false });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  assert.equal(answer.statusCode, 422);
  await text(answer);
  const log = readFileSync(join(dir, 'agent.log'), 'utf8').split('\n');
  return log.find((line) => line.includes('config_refused')) ?? '';
}

describe('the installation of install.yaml', () => {
  const content = documentOf(fleetTemplate('install.yaml'), 'Install');
  const url = 'https://s3.eu-west-1.amazonaws.com/bucket/file';
  const script = scriptOf(content, 'install', {
    PackageUrl: url,
    ConfigUrl: url,
    PackageSha256: createHash('sha256').update('a package').digest('hex'),
  });
  const config = (port: number, stream: string) =>
    `<system>\nhttp_port ${port}\n</system>\n<source>\n@type tail\npath /var/log/*.log\ntag a\n<parse>\n@type none\n</parse>\n</source>
<match **>\n@type kinesis_streams\nstream_name ${stream}\nregion eu-west-1\n</match>\n`;

  /** An instance with the package and one configuration, to which another one is rolled out. */
  async function instance(t: TestContext) {
    const health = { status: 200 };
    const server = createServer((asked, answer) => {
      answer.writeHead(asked.url === '/readyz' ? health.status : 404).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const it = new FakeMachine(t);
    const [before, fresh] = [config(port, 'one'), config(port, 'two')];
    it.write('etc/millrace/agent.conf', before);
    it.write('var/cache/millrace-install/agent.conf', fresh);
    it.write('var/cache/millrace-install/agent.deb', 'a package');
    it.write('state/restarts', '7\n');
    it.write('state/is-active', 'true');
    it.command('millrace-agent', `exec '${process.execPath}' '${root}agent/src/main.ts' "$@"`);
    it.command('dpkg-deb', 'echo 0.1.0');
    it.command('dpkg-query', 'echo 0.1.0');
    it.command('sleep', 'echo "$1" >>"$STATE/slept"; [ ! -e "$STATE/on-sleep" ] || . "$STATE/on-sleep"');
    it.command('journalctl', 'cat "$STATE/journal"');
    it.write('state/journal', '');
    it.command(
      'systemctl',
      `echo "$*" >>"$STATE/asked"
      case "$*" in
        *is-active*) exec sh "$STATE/is-active" ;;
        *NRestarts*) cat "$STATE/restarts" ;;
        reload*) [ ! -e "$STATE/refusal" ] || cat "$STATE/refusal" >>"$STATE/journal" ;;
      esac`,
    );
    return { it, health, before, fresh, conf: () => it.read('etc/millrace/agent.conf') };
  }

  test('takes an agent for good that is ready and goes on running', async (t) => {
    const { it, fresh, conf } = await instance(t);
    const { code, output } = await it.run(script);
    assert.equal(code, 0, output);
    assert.match(output, /0\.1\.0 runs and is ready/);
    assert.equal(conf(), fresh);
    assert.match(it.read('state/asked'), /^reload millrace-agent$/m);
  });

  test('does not take one for good that ends and is started again, and puts back what was there', async (t) => {
    const { it, before, conf } = await instance(t);
    // Whenever it is asked it runs and is ready.
    it.write('state/on-sleep', 'echo $(($(cat "$STATE/restarts") + 4)) >"$STATE/restarts"');
    const { code, output } = await it.run(script);
    assert.equal(code, 1);
    assert.match(output, /started again: 7 restarts, 30 s later 11\n.*journalctl/);
    assert.match(output, /the configuration before is in its place again/);
    assert.equal(conf(), before);
    assert.equal(it.read('state/asked').match(/^reload/gm)?.length, 2, 'and taken up');
  });

  test('the same where nothing but the package changed', async (t) => {
    const { it, fresh, conf } = await instance(t);
    it.write('etc/millrace/agent.conf', fresh);
    it.write('state/on-sleep', 'echo 8 >"$STATE/restarts"');
    const { code, output } = await it.run(script);
    assert.equal(code, 1);
    assert.match(output, /put the package before back/);
    assert.equal(conf(), fresh);
    assert.doesNotMatch(it.read('state/asked'), /^re(load|start)/m);
  });

  test('nor one that has refused the configuration and goes on with the old one', async (t) => {
    const { it, before, conf } = await instance(t);
    it.write('state/refusal', `${await refusal(t)}\n`);
    const { code, output } = await it.run(script);
    assert.equal(code, 1);
    assert.match(output, /it has refused the configuration: .*no_such_thing/);
    assert.equal(conf(), before, 'the next start finds what the agent runs with');
  });

  test('nor one that is not ready, or only was', async (t) => {
    const { it, health, before, conf } = await instance(t);
    health.status = 503;
    const never = await it.run(script);
    assert.equal(never.code, 1);
    assert.match(never.output, /not ready after a minute: http:\/\/127\.0\.0\.1:\d+\/readyz/);
    assert.equal(it.read('state/slept').match(/^5$/gm)?.length, 12);
    assert.equal(conf(), before);
    health.status = 200;
    it.write('state/on-sleep', 'echo false >"$STATE/is-active"');
    const then = await it.run(script);
    assert.equal(then.code, 1);
    assert.match(then.output, /it was ready, and is not any more/);
  });

  test('starts one that had ended, and waits for it', async (t) => {
    const { it } = await instance(t);
    it.write('state/is-active', 'false');
    it.write('state/on-sleep', 'echo true >"$STATE/is-active"');
    assert.equal((await it.run(script)).code, 0);
    assert.match(it.read('state/asked'), /^restart millrace-agent$/m);
  });

  test('a configuration that is wrong is not put in place', async (t) => {
    const { it, before, conf } = await instance(t);
    it.write('var/cache/millrace-install/agent.conf', 'no_such_thing');
    const { code, output } = await it.run(script);
    assert.equal(code, 2);
    assert.match(output, /no_such_thing/);
    assert.equal(conf(), before);
    assert.equal(it.read('state/asked'), '');
  });

  test('nor is a package that is another one', async (t) => {
    const { it } = await instance(t);
    it.write('var/cache/millrace-install/agent.deb', 'another package');
    assert.notEqual((await it.run(script)).code, 0);
    assert.equal(it.read('state/asked'), '');
  });
});
