import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { agentConfigText, parseNone, stackPaths } from './config-files.ts';
import { logSources } from './log-sources.ts';
import { parseOverrides } from './overrides.ts';
import { partEnv } from './part-env.ts';
import { stackPorts } from './ports.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-config-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const paths = stackPaths(folder);

test('globs that the user gives are made absolute and replace the default logs', () => {
  const sources = logSources(paths, { globs: ['log/*.log', '/var/log/x'], cwd: '/srv', demo: false });
  assert.deepEqual(
    sources.map((source) => source.path),
    [join(paths.self, '*.log'), '/srv/log/*.log', '/var/log/x'],
  );
});

test('without globs there are the own logs, and the demo only when it was asked for', () => {
  const tags = (demo: boolean) =>
    logSources(paths, { globs: [], cwd: '/', demo }).map((source) => source.tag);
  assert.ok(tags(false).includes('millrace.agent'));
  assert.ok(tags(false).includes('engine.opensearch'));
  assert.ok(!tags(false).some((tag) => tag.startsWith('demo.')));
  assert.deepEqual(
    tags(true).filter((tag) => tag.startsWith('demo.')),
    ['demo.nginx', 'demo.app', 'demo.json'],
  );
});

test('paths are quoted so that quotes, backslashes and #{} stay what they are', () => {
  const source = { path: "/a'b\\c/#{d} e.log", tag: 'x', parse: parseNone };
  const text = agentConfigText(paths, stackPorts(6700), [source]);
  assert.match(text, /path '\/a\\'b\\\\c\/#\{d\} e\.log'\n/);
  assert.match(text, /http_port 6706\n/);
  assert.match(text, /endpoint 'http:\/\/127\.0\.0\.1:6701'\n/);
  const { agent } = parseOverrides(['agent.match.outbox_size=1g', 'agent.system.http_port=0']);
  const other = agentConfigText(paths, stackPorts(6700), [source], agent);
  assert.match(other, /outbox_size '1g'\n/);
  assert.match(other, /http_port 0\n/);
});

test('parts get credentials for the stand-ins and nothing that leads to AWS', () => {
  const env = partEnv({ PATH: '/bin', AWS_PROFILE: 'prod', AWS_SESSION_TOKEN: 'x', NO_PROXY: 'a' }, '/data');
  assert.equal(env.AWS_PROFILE, undefined);
  assert.equal(env.AWS_SESSION_TOKEN, undefined);
  assert.equal(env.AWS_ACCESS_KEY_ID, 'local');
  assert.equal(env.NO_PROXY, 'a,127.0.0.1,localhost');
  assert.equal(env.MILLRACE_STACK, '/data');
});
